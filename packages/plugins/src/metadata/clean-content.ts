import { hasCode } from "@slipway/fault/fault";
import { blobs, ingests } from "./buckets.ts";
import type { Database } from "./database.ts";

/** Removes blobs and ingests that no namespace knows. */
export async function cleanContent(database: Database): Promise<void> {
  const { instance, lock } = database.content;
  using _ = await lock.exclusive();
  const digests = new Set<string>();
  const refs = new Set<string>();
  for await (const page of database.scan(blobs)) {
    for (const [, { digest }] of page) digests.add(digest);
  }
  for await (const page of database.scan(ingests)) {
    for (const [, { backendRef, expected }] of page) {
      refs.add(backendRef);
      // Another namespace may have let it go.
      if (expected !== undefined) digests.add(expected);
    }
  }
  for await (const { digest } of instance.walk()) {
    if (!digests.has(digest)) await gone(instance.delete(digest));
  }
  for (const { ref } of await instance.listStatuses()) {
    if (!refs.has(ref)) await gone(instance.abort(ref));
  }
}

async function gone(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}
