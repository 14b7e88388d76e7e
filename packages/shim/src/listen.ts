import { chmodSync, mkdirSync, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import { dirname } from "node:path";
import { answers } from "@slipway/linux/answers";
import { isSystemError } from "@slipway/linux/system-call";

/** Listens at `path`, for root alone; false when a living server does already. The socket of a dead one is replaced. */
export async function listenAt(server: Server, path: string): Promise<boolean> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!(await tryListen(server, path))) {
    if (await answers(path)) return false;
    unlinkSync(path);
    if (!(await tryListen(server, path))) return false;
  }
  chmodSync(path, 0o600);
  return true;
}

async function tryListen(server: Server, path: string): Promise<boolean> {
  const done = Promise.withResolvers<boolean>();
  const failed = (error: Error): void => {
    if (isSystemError(error, "EADDRINUSE")) done.resolve(false);
    else done.reject(error);
  };
  server.once("error", failed);
  server.listen(path, () => done.resolve(true));
  try {
    return await done.promise;
  } finally {
    server.off("error", failed);
  }
}
