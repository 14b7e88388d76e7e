import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { makeTar } from "@slipway/layers/testing/archive";
import { FileThreads } from "@slipway/layers/threads";
import { type Digest, digestOf } from "@slipway/oci/digest";
import { LayersAhead } from "./layers-ahead.ts";

let root: string;
let threads: FileThreads;
let ahead: LayersAhead;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "slipway-ahead-"));
  threads = new FileThreads();
  ahead = new LayersAhead(threads, 1);
  ahead.offer("overlayfs", { folder: join(root, "ahead"), isWanted: async () => true });
});
afterEach(async () => {
  await ahead[Symbol.asyncDispose]();
  await threads[Symbol.asyncDispose]();
  assert.equal(existsSync(join(root, "ahead")), false);
  rmSync(root, { recursive: true });
});

/** @returns the layer, and whether it was made ahead */
async function bring(name: string, snapshotter?: string): Promise<{ digest: Digest; isMade: boolean }> {
  const tar = makeTar([{ type: "file", name }]);
  const digest = digestOf(tar);
  const path = join(root, "data");
  writeFileSync(path, "");
  const layer = { digest, ...(snapshotter === undefined ? {} : { snapshotter }) };
  const thread = await ahead.begin(layer, { path, offset: 0, algorithm: "sha256" });
  await thread?.write(tar);
  await thread?.end();
  return { digest, isMade: thread !== undefined };
}

async function emptied(): Promise<void> {
  const watcher = watch(join(root, "ahead"));
  while (readdirSync(join(root, "ahead")).length > 0) await once(watcher, "change");
  watcher.close();
}

describe("LayersAhead", () => {
  it("makes layers for a snapshotter that takes images, and for no other", async () => {
    assert.equal((await bring("a", "native")).isMade, false);
    assert.equal((await bring("b", "overlayfs")).isMade, true);
  });

  it("guesses that layers are applied, until some were not, and again after some were", async () => {
    assert.equal((await bring("first")).isMade, true);
    await emptied();
    const second = await bring("second");
    assert.equal(second.isMade, false);
    assert.equal((await bring("awaited", "overlayfs")).isMade, true);
    await emptied();
    assert.equal(await ahead.take(second.digest, join(root, "taken")), undefined);
    assert.equal((await bring("third")).isMade, true);
  });
});
