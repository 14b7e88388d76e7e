import type { Socket } from "node:net";
import type { ProcessIo } from "@slipway/core/tasks";
import { Stdio } from "./stdio.ts";

/** A process's streams, as one client has them. Leaving the scope closes them. */
export interface ProcessStreams extends Disposable {
  /** What the daemon is told, or was. */
  readonly io: ProcessIo;
  /** Ends when the last process that writes there is gone. */
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Missing with a terminal, which has one output. */
  readonly stderr: AsyncIterable<Uint8Array> | undefined;
  readonly stdin: Socket | undefined;
  /** Lets go of the streams in a way that somebody can come back to the process. */
  leave(): void;
}

/**
 * Comes to a process that runs: to one whose client left it, or to one whose output our shim writes to a log.
 * @throws {Fault} `failed_precondition` when its output goes where nobody can see it
 */
export async function attachStreams(io: ProcessIo): Promise<ProcessStreams> {
  if (!io.stdout.startsWith("json-file:")) return Stdio.reopen(io);
  const { LoggedStreams } = await import("./logged-streams.ts");
  return await LoggedStreams.connect(io);
}
