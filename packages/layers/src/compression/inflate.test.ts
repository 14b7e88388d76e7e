import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { inflate } from "./inflate.ts";

const data = Buffer.from(Array.from({ length: 300_000 }, (_, index) => `line ${index * 7919}\n`).join(""));

async function inflated(blob: Uint8Array, pieceBytes = 10_007): Promise<Buffer> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < blob.length; at += pieceBytes) yield blob.subarray(at, at + pieceBytes);
  }
  const found: Buffer[] = [];
  // A piece is good until the next is asked for.
  for await (const piece of inflate(pieces())) found.push(Buffer.from(piece));
  return Buffer.concat(found);
}

describe("inflate", () => {
  for (const [name, compress] of [
    ["gzip", gzipSync],
    // Without its checksum, zstd takes much for data.
    [
      "zstd",
      (bytes: Uint8Array) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    ],
  ] as const) {
    it(`gives what ${name} compressed, in one member or several, with what is not compressible`, async () => {
      const random = crypto.getRandomValues(new Uint8Array(65_536));
      const members = Buffer.concat([compress(data), compress(Buffer.alloc(0)), compress(random)]);
      assert.ok((await inflated(members)).equals(Buffer.concat([data, random])));
      assert.ok((await inflated(members, 1 << 24)).equals(Buffer.concat([data, random])));
      assert.equal((await inflated(compress(Buffer.alloc(0)))).length, 0);
    });

    it(`says that ${name} is cut off or broken`, async () => {
      const blob = compress(data);
      for (const length of [20, 5000, blob.length - 1])
        await assert.rejects(inflated(blob.subarray(0, length)), {
          code: "data_loss",
          message: `Cannot decompress ${name}: unexpected end of file`,
        });
      const broken = Buffer.from(blob);
      broken.fill(0xff, 4000, 4100);
      await assert.rejects(inflated(broken), {
        code: "data_loss",
        message: /^Cannot decompress .*: invalid data/,
      });
    });
  }

  for (const [name, start] of [
    ["xz", "fd377a585a000004"],
    ["bzip2", "425a6839314159265359"],
    // An empty stream's.
    ["bzip2", "425a683917724538509000000000"],
    ["lz4", "04224d186440a7"],
  ] as const) {
    it(`names ${name}, which it cannot read, at ${start}`, async () => {
      const blob = Buffer.concat([Buffer.from(start, "hex"), Buffer.alloc(64, 7)]);
      for (const pieceBytes of [3, 1 << 16])
        await assert.rejects(inflated(blob, pieceBytes), {
          code: "unimplemented",
          message: `Cannot decompress ${name}: only gzip and zstd can be read`,
        });
    });
  }

  it("passes on a tar whose first name resembles another compression", async () => {
    for (const name of ["BZh9.txt", "7zXZ", "\x04x"]) {
      const tar = Buffer.concat([Buffer.from(name), Buffer.alloc(1024)]);
      assert.ok((await inflated(tar)).equals(tar));
    }
  });

  it("passes over zeros after gzip, and passes on what is not compressed", async () => {
    assert.ok((await inflated(Buffer.concat([gzipSync(data), Buffer.alloc(512)]))).equals(data));
    assert.ok((await inflated(data)).equals(data));
    assert.equal((await inflated(Buffer.from("short"))).toString(), "short");
  });
});
