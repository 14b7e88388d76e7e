import { once } from "node:events";
import { connect } from "node:net";
import { GrpcChannel } from "@slipway/grpc/channel";

/**
 * A channel to a shim that serves gRPC. A channel connects anew when it must, so a connection beside it, on which
 * nothing is said, tells when the shim is gone.
 */
export async function connectGrpcShim(path: string): Promise<{
  readonly channel: GrpcChannel;
  readonly closed: Promise<void>;
  close(): Promise<void>;
}> {
  const probe = connect(path);
  await once(probe, "connect");
  const closed = new Promise<void>((resolve) => {
    probe.once("close", () => resolve()).on("error", () => undefined);
  });
  // A server may send its settings at once; unread, they would hide the end.
  probe.resume();
  const channel = new GrpcChannel(path);
  return {
    channel,
    closed,
    async close() {
      probe.destroy();
      await channel[Symbol.asyncDispose]();
    },
  };
}
