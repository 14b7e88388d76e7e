import type { ContentStore } from "@slipway/core/content";
import { hasCode } from "@slipway/fault/fault";
import type { Digest } from "@slipway/oci/digest";
import { blobs, ingests } from "./buckets.ts";
import type { Database } from "./database.ts";

interface Names {
  readonly digests: Set<Digest>;
  readonly refs: Set<string>;
}

/**
 * Removes blobs and ingests that no namespace knows. They are looked for while others work; these wait only when some
 * were found, until those are looked at again and removed.
 */
export async function cleanContent(database: Database): Promise<void> {
  const { instance, lock } = database.content;
  const all = await known(database);
  await instance.removeSetAside?.(all.digests);
  const unknown = without(await below(instance), all);
  if (unknown.digests.size === 0 && unknown.refs.size === 0) return;
  using _ = await lock.exclusive();
  const { digests, refs } = without(unknown, await known(database));
  for (const digest of digests) await gone(instance.delete(digest));
  for (const ref of refs) await gone(instance.abort(ref));
}

async function below(content: ContentStore): Promise<Names> {
  const digests = new Set<Digest>();
  for await (const { digest } of content.walk()) digests.add(digest);
  const refs = new Set((await content.listStatuses()).map(({ ref }) => ref));
  return { digests, refs };
}

async function known(database: Database): Promise<Names> {
  const digests = new Set<Digest>();
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
  return { digests, refs };
}

function without(some: Names, others: Names): Names {
  return { digests: some.digests.difference(others.digests), refs: some.refs.difference(others.refs) };
}

async function gone(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}
