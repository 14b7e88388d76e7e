import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { backlog } from "@slipway/rpc/backlog";
import type { ServiceRegistration } from "@slipway/rpc/service";
import { ServerConnection } from "./server-connection.ts";

/** Serves ttrpc. Disposing of it cuts off running calls; `drain` lets them end. */
export class TtrpcServer implements AsyncDisposable {
  /** What accepts connections, for those who bind it in ways of their own. */
  readonly listener: Server;
  readonly #connections = new Set<ServerConnection>();

  constructor(services: readonly ServiceRegistration[]) {
    this.listener = createServer((socket) => {
      const connection = new ServerConnection(socket, services);
      this.#connections.add(connection);
      socket.once("close", () => this.#connections.delete(connection));
    });
    // A connection that cannot be accepted, for want of file descriptors, is not the end of the others.
    this.listener.on("error", () => {});
  }

  /** Listens on a unix socket. */
  async listen(path: string): Promise<void> {
    this.listener.listen({ path, backlog });
    await once(this.listener, "listening");
  }

  /** Accepts nobody any more and waits for running calls, at most `graceMs`; those that last longer are cut off. */
  async drain(graceMs: number): Promise<void> {
    if (this.listener.listening) this.listener.close();
    const connections = [...this.#connections];
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, graceMs);
    await Promise.race([Promise.all(connections.map((connection) => connection.idle())), over.promise]);
    clearTimeout(timer);
    await Promise.all(connections.map((connection) => connection.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }
}
