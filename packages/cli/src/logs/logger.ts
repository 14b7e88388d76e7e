import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { dirname } from "node:path";
import { JsonLog } from "@slipway/logs/json-log";
import { parseLogUri } from "@slipway/logs/log-uri";
import { makeDirectories } from "@slipway/linux/make-directories";

/*
 * The logging program of detached containers (`binary://` in a task's stdout) of shims that write no log themselves. A shim
 * gives it the container's output on descriptors 3 and 4 and waits until 5 is closed: containerd, core/runtime/v2/README.md,
 * "Logging".
 */
async function main(uri: string | undefined): Promise<void> {
  if (uri === undefined) throw new Error("slipway-logger: the log's URI is missing");
  // The shim ends its loggers when the container has: what is in the pipes by then belongs into the log.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => {});
  const target = parseLogUri(uri);
  makeDirectories(dirname(target.file), 0o700);
  using log = new JsonLog(target.file, target);
  const outputs = [copy(log, 3, "stdout"), copy(log, 4, "stderr")];
  closeSync(5);
  await Promise.all(outputs);
}

async function copy(log: JsonLog, fd: number, stream: "stdout" | "stderr"): Promise<void> {
  const source = new Socket({ fd, readable: true, writable: false });
  for await (const chunk of source as AsyncIterable<Uint8Array>) log.write(stream, chunk);
}

void main(process.argv[2]);
