import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { encodeHeader as encodeTarHeader, paddingAfter } from "../tar/encoder.ts";
import { writePax } from "../tar/pax.ts";
import { makeTar } from "../testing/archive.ts";
import { agrees, whileMounted, writeImage } from "./testing.ts";

describe("sparse files", () => {
  const tarOf = (regions: readonly [offset: number, data: string][], sizeBytes: number): Buffer => {
    const list = regions.map(([offset, data]) => `${offset},${data.length}`).join(",");
    const records = new Map([
      ["GNU.sparse.map", Buffer.from(list)],
      ["GNU.sparse.size", Buffer.from(String(sizeBytes))],
      ["path", Buffer.from("sparse")],
    ]);
    const pax = writePax(records);
    const head = encodeHeaderOf("x", pax.length);
    const data = Buffer.from(regions.map(([, text]) => text).join(""));
    return Buffer.concat([
      head,
      pax,
      paddingAfter(pax.length),
      encodeTarHeader({ type: "file", name: "sparse", mode: 0o644, sizeBytes: data.length }),
      data,
      paddingAfter(data.length),
      makeTar([{ type: "file", name: "next", data: "next" }]),
    ]);
  };
  const encodeHeaderOf = (type: string, sizeBytes: number): Buffer => {
    const block = encodeTarHeader({ type: "file", name: "pax", sizeBytes });
    block.write(type, 156, "latin1");
    block.write("        ", 148, "latin1");
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    return block;
  };

  it("keep their holes, wherever their data begins and ends", async () => {
    await agrees(
      tarOf(
        [
          [0, "a".repeat(512)],
          [4096, "b".repeat(1024)],
          [10_000, "tail"],
        ],
        20_000,
      ),
    );
    await agrees(
      tarOf(
        [
          [3, "a"],
          [700, "b".repeat(600)],
          [5_000_000, "c"],
        ],
        5_000_001,
      ),
    );
    await agrees(tarOf([], 3 * 2 ** 20));
    await agrees(
      tarOf(
        [
          [8192, "a".repeat(4096)],
          [2 ** 20, "b".repeat(4096)],
        ],
        2 ** 20 + 4096,
      ),
    );
  });

  it("are not joined with what only seems to follow, of a tar that is beside its image", async () => {
    // Whole chunks in the tar, then one that is put together, after members that shift where the former end.
    for (let before = 0; before < 8; before += 1) {
      const first = makeTar([{ type: "file", name: "first", data: "x".repeat(512 * before) }]).subarray(
        0,
        -1024,
      );
      const regions: [number, string][] = [
        [0, "d".repeat(700)],
        [701, "e"],
      ];
      await agrees(Buffer.concat([first, tarOf(regions, 702)]));
    }
  });

  it("may be as long as their tar is short", () => {
    const { path } = writeImage(tarOf([[2 ** 40, "far"]], 2 ** 43));
    assert.ok(fs.statSync(path).blocks * 512 < 2 ** 20);
    whileMounted({ path }, (tree) => {
      assert.equal(fs.statSync(join(tree, "sparse")).size, 2 ** 43);
      const found = Buffer.alloc(5);
      const file = fs.openSync(join(tree, "sparse"), "r");
      fs.readSync(file, found, 0, 5, 2 ** 40 - 1);
      fs.closeSync(file);
      assert.equal(found.toString("latin1"), "\0far\0");
    });
  });
});
