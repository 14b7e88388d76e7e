import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import * as fc from "fast-check";
import { makeTar, type Member } from "../../testing/archive.ts";
import { makeTree, shell } from "../../testing/trees.ts";
import { extractImage } from "../extract-image.ts";
import {
  blockBytes,
  DATA,
  direntBytes,
  headerBytes,
  inodeBytes,
  slotBytes,
  superblockChecksum,
  superblockOffset,
} from "../format.ts";
import { root, writeImage } from "../testing.ts";
import { decodeDirectory } from "./directory.ts";
import { type ImageSink, walkImage } from "./walk-image.ts";

/** Counts what it gets. */
function counter(): ImageSink & { members: number; bytes: number } {
  return {
    members: 0,
    bytes: 0,
    member() {
      this.members += 1;
    },
    whiteout() {},
    opaque() {},
    data(bytes) {
      this.bytes += bytes.length;
    },
    end() {},
  };
}

/** An image whose superblock is right whatever was written to it. */
function withChecksum(image: Buffer): Buffer {
  const block = image.subarray(superblockOffset, superblockOffset + blockBytes);
  image.writeUInt32LE(superblockChecksum(block), superblockOffset + 4);
  return image;
}

const metadataOf = (image: Buffer): number => image.readUInt32LE(superblockOffset + 40) * blockBytes;

describe("images that nobody can trust", () => {
  const walk = (image: Buffer): ReturnType<typeof counter> => {
    const path = join(root, "hostile.erofs");
    fs.writeFileSync(path, image);
    const sink = counter();
    walkImage(path, [], sink);
    return sink;
  };
  const imageOf = (members: readonly Member[]): Buffer => fs.readFileSync(writeImage(makeTar(members)).path);

  it("end in a clear error, or in members, wherever a bit was flipped", () => {
    const tree = makeTree(join(root, "from"));
    const whole = fs.readFileSync(writeImage(shell("tar --format=posix --xattrs --sparse -c .", tree)).path);
    const metadata = metadataOf(whole);
    const [{ members, bytes }, length] = [walk(whole), whole.length - metadata];
    assert.ok(members > 20 && bytes > 300_000);
    const place = fc.oneof(
      fc.nat(127).map((at) => superblockOffset + at),
      fc.nat(length - 1).map((at) => metadata + at),
    );
    const change = fc.record({ place, byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255)) });
    let refused = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const image = Buffer.from(whole);
        for (const { place: at, byte } of changes) image[at] = byte;
        try {
          // Each file's data is what is there, so it is bounded by what the inodes are.
          assert.ok(walk(withChecksum(image)).members < length);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          refused += 1;
        }
      }),
      { numRuns: Number(process.env["EROFS_RUNS"] ?? 150) },
    );
    assert.ok(refused > 0);
  });

  it("end in a clear error wherever they are cut off", () => {
    const whole = imageOf([
      { type: "file", name: "d/x", data: "content".repeat(1000) },
      { type: "symlink", name: "d/l", linkName: "x" },
    ]);
    for (let length = 0; length < whole.length; length += 128)
      assert.throws(() => walk(whole.subarray(0, length)), { code: "data_loss" });
  });

  /** Where the root's names begin: its inode is the first, and has them behind it. */
  const namesOf = (image: Buffer): number => metadataOf(image) + 2 * slotBytes + inodeBytes;
  /** Where the inode of a file in the root is. */
  const inodeOf = (image: Buffer, name: string): number => {
    const names = namesOf(image);
    const entry = decodeDirectory(image.subarray(names, names + 100), blockBytes).find(
      (each) => each.name === name,
    );
    assert.ok(entry);
    return metadataOf(image) + entry.number * slotBytes;
  };

  it("are refused with names that lead elsewhere", async () => {
    fs.mkdirSync(join(root, "to"));
    for (const evil of ["a/b", "\0ab", "../"]) {
      const image = imageOf([{ type: "file", name: "evi", data: "x" }]);
      image.write(evil, image.indexOf("evi", metadataOf(image), "latin1"), "latin1");
      assert.throws(() => walk(image), { code: "data_loss" });
      await assert.rejects(
        extractImage(join(root, "hostile.erofs"), join(root, "to"), { whiteouts: "overlay" }),
        {
          code: "data_loss",
        },
      );
    }
    assert.deepEqual(fs.readdirSync(join(root, "to")), []);
  });

  it("are refused with directories in themselves, and sizes beyond the image", () => {
    const members: Member[] = [
      { type: "directory", name: "dir" },
      { type: "file", name: "fil", data: "x".repeat(5000) },
    ];
    const circle = imageOf(members);
    // The root's own number, 2, for the third name, which is "dir".
    circle.writeBigUInt64LE(2n, namesOf(circle) + 2 * direntBytes);
    assert.throws(() => walk(circle), { code: "data_loss", message: /a directory is there twice/ });

    for (const size of [6000n + BigInt(circle.length), 2n ** 45n, 2n ** 60n]) {
      const file = imageOf(members);
      file.writeBigUInt64LE(size, inodeOf(file, "fil") + 8);
      assert.throws(() => walk(file), { code: "data_loss" });
      const directory = imageOf(members);
      directory.writeBigUInt64LE(size, inodeOf(directory, "dir") + 8);
      assert.throws(() => walk(directory), { code: "data_loss" });
    }
    const chunks = imageOf(members);
    const at = inodeOf(chunks, "fil");
    chunks.writeUInt16LE(1 | (DATA.CHUNKS << 1), at);
    chunks.writeBigUInt64LE(2n ** 52n, at + 8);
    assert.throws(() => walk(chunks), { code: "data_loss", message: /chunks/ });
  });

  it("are refused when they want what we do not have", () => {
    const compressed = imageOf([{ type: "file", name: "x", data: "x".repeat(600) }]);
    compressed.writeUInt32LE(2, superblockOffset + 80);
    assert.throws(() => walk(withChecksum(compressed)), { code: "unimplemented" });
    const changed = imageOf([]);
    changed[superblockOffset + 50] = 7;
    assert.throws(() => walk(changed), { code: "data_loss", message: /superblock was changed/ });
    assert.throws(() => walk(Buffer.alloc(headerBytes)), { code: "data_loss", message: /no superblock/ });
  });
});
