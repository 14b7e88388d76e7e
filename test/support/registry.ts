import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { TestFolder } from "./folder.ts";

export interface RegistryConfig {
  /** Lines of its configuration below `http:`, with the indent of two spaces. */
  readonly http?: string;
  /** Lines of its configuration at the top. */
  readonly top?: string;
  /** Where it keeps what is pushed; in its folder unless told. */
  readonly data?: string;
}

/** A docker-registry on a free port of the loopback, with plain HTTP unless told. */
export class TestRegistry implements AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly #stop: () => Promise<void>;

  private constructor(host: string, stop: () => Promise<void>) {
    this.host = host;
    this.#stop = stop;
  }

  static async start({ http = "", top = "", data }: RegistryConfig = {}): Promise<TestRegistry> {
    const folder = new TestFolder("registry");
    const host = `127.0.0.1:${await freePort()}`;
    const config = folder.join("config.yml");
    writeFileSync(
      config,
      `version: 0.1\nlog: {level: info}\nstorage:\n  filesystem: {rootdirectory: ${data ?? folder.join("data")}}\n` +
        `  delete: {enabled: true}\nhttp:\n  addr: ${host}\n${http}\n${top}\n`,
    );
    const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "ignore", "pipe"] });
    for await (const line of createInterface(child.stderr)) if (line.includes("listening on")) break;
    child.stderr.resume();
    return new TestRegistry(host, async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      folder[Symbol.dispose]();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
