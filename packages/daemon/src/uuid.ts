import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isSystemError } from "@slipway/linux/system-call";

/** The identity of what is kept under `root`: made at first, then kept, as clients expect of introspection. */
export async function rootUuid(root: string): Promise<string> {
  const folder = join(root, "io.containerd.grpc.v1.introspection");
  const path = join(folder, "uuid");
  try {
    const kept = (await readFile(path, "utf8")).trim();
    if (kept !== "") return kept;
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
  const uuid = randomUUID();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, uuid, { mode: 0o600 });
  await rename(fresh, path);
  return uuid;
}
