import { closeSync, createWriteStream } from "node:fs";
import { Socket } from "node:net";
import { Writable } from "node:stream";
import { callbackify } from "node:util";
import { Fault } from "@slipway/fault/fault";
import type { LogSink } from "./log-sink.ts";
import { openLogFile, schemeOf } from "./stdio.ts";

/**
 * Where a terminal's output goes that its URI sends elsewhere than to a FIFO. It is opened before the runtime runs, so that
 * a failure leaves no container.
 * @returns undefined for the path of a FIFO or a file, and for none
 */
export async function openTerminalOutput(
  stdout: string,
  container: { readonly id: string; readonly namespace: string },
): Promise<Writable | undefined> {
  const scheme = schemeOf(stdout);
  switch (scheme) {
    case "fifo":
      return undefined;
    case "file":
      return createWriteStream("", { fd: openLogFile(new URL(stdout)) });
    case "json-file": {
      const { LogSink } = await import("./log-sink.ts");
      return sinkWriter(await LogSink.open(stdout));
    }
    case "binary":
    case "binary-v2": {
      const { startLogger } = await import("./binary-logger.ts");
      const logger = await startLogger(new URL(stdout), container);
      // A terminal has one output. The end of both tells the program that its work is done.
      closeSync(logger.stderr);
      return new Socket({ fd: logger.stdout, readable: false });
    }
    default:
      throw new Fault("unknown", `unknown STDIO scheme ${scheme}`);
  }
}

function sinkWriter(sink: LogSink): Writable {
  const write = callbackify(async (chunk: Uint8Array) => await sink.write("stdout", chunk));
  return new Writable({
    write: (chunk: Uint8Array, _encoding, done) => write(chunk, done),
    destroy(_error, done) {
      sink.end();
      done(null);
    },
  });
}
