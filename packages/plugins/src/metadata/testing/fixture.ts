import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContentStore } from "@slipway/core/content";
import type { EventPublisher } from "@slipway/core/events";
import type { Logger } from "@slipway/core/plugin";
import { type Digest, digestOf } from "@slipway/oci/digest";
import { LocalContentStore } from "../../content-local/store.ts";
import { SqliteStore } from "../../store-sqlite/sqlite-store.ts";
import { Metadata, type SharingPolicy } from "../metadata.ts";
import { MemorySnapshotter } from "./memory-snapshotter.ts";

export const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** The metadata over a real store and real blobs in a folder, which goes with it. */
export class Fixture implements AsyncDisposable {
  readonly folder: string;
  readonly store: SqliteStore;
  readonly below: LocalContentStore;
  readonly snapshotter = new MemorySnapshotter();
  readonly events: [namespace: string, topic: string, payload: object][] = [];
  readonly metadata: Metadata;

  constructor(policy: SharingPolicy = "shared", folder = mkdtempSync(join(tmpdir(), "slipway-metadata-"))) {
    this.folder = folder;
    this.store = SqliteStore.open(join(folder, "slipway.db"));
    this.below = new LocalContentStore(join(folder, "content"));
    const events: EventPublisher = {
      publish: (namespace, topic, payload) => this.events.push([namespace, topic, payload]),
    };
    const snapshotters = new Map([["memory", this.snapshotter]]);
    const below = { store: this.store, events, content: this.below, snapshotters };
    this.metadata = new Metadata(below, policy, quiet);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

export async function writeBlob(
  content: ContentStore,
  text: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<Digest> {
  await using writer = await content.writer(`ref-${text}`);
  await writer.write(Buffer.from(text));
  return await writer.commit({ expected: digestOf(text), labels });
}
