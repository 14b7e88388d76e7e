import type { Logger } from "@slipway/core/plugin";
import type { Snapshotter } from "@slipway/core/snapshots";
import { hasCode } from "@slipway/fault/fault";
import { snapshots } from "./buckets.ts";
import type { Backend, Database } from "./database.ts";

/**
 * Removes snapshots that no namespace knows, children first, and then lets the snapshotter tidy up. They are looked for
 * while others work, as blobs are.
 */
export async function cleanSnapshotter(
  database: Database,
  name: string,
  backend: Backend<Snapshotter>,
  log: Logger,
): Promise<void> {
  const { instance } = backend;
  const all = await childrenFirst(instance);
  const known = await knownKeys(database, name);
  const unknown = all.filter((key) => !known.has(key));
  if (unknown.length > 0) await removeUnknown(database, name, backend, unknown, log);
  try {
    await instance.cleanup?.();
  } catch (error) {
    if (!hasCode(error, "unimplemented")) throw error;
  }
}

async function removeUnknown(
  database: Database,
  name: string,
  { instance, lock }: Backend<Snapshotter>,
  keys: readonly string[],
  log: Logger,
): Promise<void> {
  using _ = await lock.exclusive();
  const known = await knownKeys(database, name);
  for (const key of keys) {
    if (known.has(key)) continue;
    try {
      await instance.remove(key);
    } catch (error) {
      if (!hasCode(error, "failed_precondition", "not_found")) throw error;
      log.warn("failed to remove snapshot", { error, key, snapshotter: name });
    }
  }
}

async function knownKeys(database: Database, snapshotter: string): Promise<Set<string>> {
  const keys = new Set<string>();
  for await (const page of database.scan(snapshots)) {
    for (const [key, { backendKey }] of page) if (key.split("/")[1] === snapshotter) keys.add(backendKey);
  }
  return keys;
}

async function childrenFirst(snapshotter: Snapshotter): Promise<string[]> {
  const children = new Map<string, string[]>();
  for await (const { name, parent } of snapshotter.walk()) {
    const siblings = children.get(parent);
    if (siblings) siblings.push(name);
    else children.set(parent, [name]);
  }
  const keys: string[] = [];
  const pending = [...(children.get("") ?? [])];
  for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
    keys.push(key);
    pending.push(...(children.get(key) ?? []));
  }
  return keys.toReversed();
}
