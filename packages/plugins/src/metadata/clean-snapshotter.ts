import type { Logger } from "@slipway/core/plugin";
import type { Snapshotter } from "@slipway/core/snapshots";
import { hasCode } from "@slipway/fault/fault";
import { snapshots } from "./buckets.ts";
import type { Backend, Database } from "./database.ts";

/** Removes snapshots that no namespace knows, children first, and then lets the snapshotter tidy up. */
export async function cleanSnapshotter(
  database: Database,
  name: string,
  { instance, lock }: Backend<Snapshotter>,
  log: Logger,
): Promise<void> {
  {
    using _ = await lock.exclusive();
    const known = new Set<string>();
    for await (const page of database.scan(snapshots)) {
      for (const [key, { backendKey }] of page) if (key.split("/")[1] === name) known.add(backendKey);
    }
    for (const key of await unknown(instance, known)) {
      try {
        await instance.remove(key);
      } catch (error) {
        if (!hasCode(error, "failed_precondition", "not_found")) throw error;
        log.warn("failed to remove snapshot", { error, key, snapshotter: name });
      }
    }
  }
  try {
    await instance.cleanup?.();
  } catch (error) {
    if (!hasCode(error, "unimplemented")) throw error;
  }
}

/** The keys of snapshots that are not known, those of children before their parents'. */
async function unknown(snapshotter: Snapshotter, known: ReadonlySet<string>): Promise<string[]> {
  const children = new Map<string, string[]>();
  for await (const { name, parent } of snapshotter.walk()) {
    const siblings = children.get(parent);
    if (siblings) siblings.push(name);
    else children.set(parent, [name]);
  }
  const keys: string[] = [];
  const pending = [...(children.get("") ?? [])];
  for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
    if (!known.has(key)) keys.push(key);
    pending.push(...(children.get(key) ?? []));
  }
  return keys.toReversed();
}
