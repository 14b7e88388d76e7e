/*
 * What the metadata costs: durable updates, lists, a collection, and memory. Usage: node bench/metadata.ts [folder].
 * The folder decides whose disk is measured; a temporary one unless told.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventPublisher } from "@slipway/core/events";
import type { NewImage } from "@slipway/core/images";
import type { Logger } from "@slipway/core/plugin";
import { digestOf } from "@slipway/oci/digest";
import { LocalContentStore } from "@slipway/plugins/content-local/store";
import { Metadata } from "@slipway/plugins/metadata";
import { SqliteStore } from "@slipway/plugins/store-sqlite/sqlite-store";
import { pssOf } from "./support/figures.ts";

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), "slipway-bench-"));
const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: digestOf("x"), size: 1 };
const image = (index: number): NewImage => ({
  name: `registry.example/library/image-${index}:latest`,
  labels: { "io.cri-containerd.image": "managed" },
  target,
});
const pssMb = (): number => pssOf(process.pid);

async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** How long the event loop was held at most while `work` ran. */
async function longestStall(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await work();
  clearInterval(timer);
  return longest;
}

try {
  const before = pssMb();
  let store: SqliteStore | undefined;
  const openMs = await timed(() => (store = SqliteStore.open(join(folder, "slipway.db"))));
  if (!store) throw new Error("not opened");
  await using opened = store;
  console.log(`open a new store: ${openMs.toFixed(1)} ms, ${(pssMb() - before).toFixed(1)} MB`);

  const log: Logger = { debug() {}, info() {}, warn: console.warn, error: console.error };
  const events: EventPublisher = { publish: () => undefined };
  const content = new LocalContentStore(join(folder, "content"));
  const metadata = new Metadata({ store: opened, events, content, snapshotters: new Map() }, "shared", log);
  const { images } = metadata.scoped({ namespace: "bench" });

  const alone = 2_000;
  const aloneMs = await timed(async () => {
    for (let index = 0; index < alone; index++) await images.create(image(index));
  });
  console.log(`create an image, one after the other: ${((alone / aloneMs) * 1000).toFixed(0)} a second`);

  const grouped = 8_000;
  const groupedMs = await timed(async () => {
    for (let at = alone; at < alone + grouped; at += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => images.create(image(at + index))));
    }
  });
  console.log(`create an image, 50 at a time: ${((grouped / groupedMs) * 1000).toFixed(0)} a second`);

  const gets = 20_000;
  const getMs = await timed(async () => {
    for (let index = 0; index < gets; index++) await images.get(image(index % 10_000).name);
  });
  console.log(`get an image: ${((gets / getMs) * 1000).toFixed(0)} a second`);
  console.log(`list 10,000 images: ${(await timed(() => images.list())).toFixed(0)} ms`);
  console.log(
    `list 10,000 images by filter: ${(await timed(() => images.list(["name~=image-99"]))).toFixed(0)} ms`,
  );
  await metadata.garbage.collect();
  let held = 0;
  const stall = await longestStall(async () => (held = (await metadata.garbage.collect()).elapsedMs));
  console.log(`collect, 10,000 images: ${held.toFixed(0)} ms, event loop held ${stall.toFixed(0)} ms`);
} finally {
  rmSync(folder, { recursive: true });
}
