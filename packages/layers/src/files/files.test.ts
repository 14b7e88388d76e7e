import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { listTree, makeTree, shell } from "../testing/trees.ts";
import { FileThreads } from "../threads/file-threads.ts";

let root: string;
let threads: FileThreads;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "slipway-layers-"));
  threads = new FileThreads();
});
afterEach(async () => {
  await threads[Symbol.asyncDispose]();
  fs.rmSync(root, { recursive: true, force: true });
});

describe("FileThreads", () => {
  it("copies a tree with everything, holes included", async () => {
    const from = makeTree(join(root, "from"));
    const to = join(root, "to");
    fs.mkdirSync(to);
    await threads.copy(from, to);
    assert.deepEqual(listTree(to), listTree(from));
    const { blocks, size } = fs.statSync(join(to, "a/hole"));
    assert.ok(blocks * 512 < size / 2, "the holes are still holes");
    assert.equal((await threads.usage(to)).inodes, (await threads.usage(from)).inodes);
  });

  it("counts what du counts", async () => {
    const from = makeTree(join(root, "from"));
    // The file system decides on the blocks when it writes them.
    shell("find . -type f -exec sync {} +", from);
    const { sizeBytes, inodes } = await threads.usage(from);
    assert.equal(sizeBytes, Number(shell("du -s --block-size=1 . | cut -f1", from).toString()));
    assert.equal(inodes, Number(shell("find . -printf '%i\\n' | sort -u | wc -l", from).toString()));
  });

  it("removes a tree, and is content when there is none", async () => {
    const from = makeTree(join(root, "from"));
    await threads.remove(from);
    await threads.remove(from);
    assert.equal(fs.existsSync(from), false);
  });

  it("says what failed in the thread, with its code, and goes on", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
    }
    const to = join(root, "to");
    fs.mkdirSync(to);
    await assert.rejects(threads.unpack(broken(), to, { whiteouts: "overlay" }), {
      code: "data_loss",
      message: /Cannot decompress gzip/,
    });
    await assert.rejects(threads.copy(join(root, "none"), to), { message: /ENOENT/ });
    assert.equal((await threads.usage(to)).inodes, 1);
  });

  it("stops when the caller leaves", async () => {
    const to = join(root, "to");
    fs.mkdirSync(to);
    const leaving = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let count = 0; ; count += 1) {
        if (count === 10) leaving.abort();
        yield Buffer.alloc(512, 0);
        yield Buffer.alloc(512, 0);
      }
    }
    await assert.rejects(threads.unpack(endless(), to, { whiteouts: "overlay" }, leaving.signal), {
      code: "canceled",
    });
  });
});
