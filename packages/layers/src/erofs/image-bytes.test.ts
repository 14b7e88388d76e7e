import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { mountRaw } from "@slipway/linux/mount";
import { MS } from "@slipway/linux/mount-flags";
import { getXattr } from "@slipway/linux/xattr";
import { digestOf } from "@slipway/oci/digest";
import type { TarEntry } from "../tar/entry.ts";
import { encodeIndex } from "./encode.ts";
import { ImageFile } from "./image-file.ts";
import { LayerNodes } from "./layer-nodes.ts";
import { encodeHeader, headerBytes } from "./format.ts";
import { makeTar, type Member } from "../testing/archive.ts";
import { readImage, tarRange, verifyImage } from "./verify.ts";
import { root, rootAttributes, whileMounted, writeImage, writeImageBeside } from "./testing.ts";

const noEntry: TarEntry = {
  type: "file",
  name: "",
  linkName: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  modifiedNs: 0n,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
};

describe("a layer image's bytes", () => {
  const members: Member[] = [
    { type: "directory", name: "d", modifiedNs: 5_123_456_789n },
    { type: "file", name: "d/x", data: "content", xattrs: new Map([["user.a", Buffer.from("b")]]) },
  ];

  it("are the same for the same tar, however it comes", () => {
    const [one, two] = [writeImage(makeTar(members), 7), writeImage(makeTar(members), 5000)];
    assert.ok(fs.readFileSync(one.path).equals(fs.readFileSync(two.path)));
    assert.deepEqual(one.written, two.written);
  });

  it("have the tar in them as it was, and are told from changed ones", () => {
    const tar = makeTar(members);
    const { path, written } = writeImage(tar);
    const bytes = fs.readFileSync(path);
    assert.ok(bytes.subarray(headerBytes, headerBytes + tar.length).equals(tar));
    assert.deepEqual(verifyImage(path), readImage(path));
    assert.equal(readImage(path).diffId, digestOf(tar));
    assert.equal(written.diffId, digestOf(tar));
    assert.equal(written.imageBytes, bytes.length);
    for (const [at, message] of [
      [headerBytes + 512, /tar was changed/],
      [bytes.length - 1, /index was changed/],
      [1100, /header is not whole/],
    ] as const) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      fs.writeFileSync(path, changed);
      assert.throws(() => verifyImage(path), { code: "data_loss", message });
    }
  });

  it("have no more than names and attributes with the tar beside, which may be filled later", () => {
    const tar = makeTar(members);
    const [one, two] = [writeImageBeside(tar, 7), writeImageBeside(tar, 5000)];
    assert.ok(fs.readFileSync(one.path).equals(fs.readFileSync(two.path)));
    assert.ok(fs.readFileSync(one.tar).equals(tar));
    assert.equal(fs.readFileSync(one.path).indexOf("content"), -1);
    assert.deepEqual(verifyImage(one.path, { tar: one.tar }), readImage(two.path));
    assert.equal(readImage(one.path).diffId, digestOf(tar));
    assert.throws(() => verifyImage(one.path), { code: "failed_precondition" });
    assert.throws(() => tarRange(one.path), { code: "failed_precondition" });
    // A hole of the tar's length, which gets its bytes while the image is in use.
    const sparse = join(root, "sparse.tar");
    fs.writeFileSync(sparse, "");
    fs.truncateSync(sparse, tar.length);
    assert.throws(() => verifyImage(one.path, { tar: sparse }), {
      code: "data_loss",
      message: /tar was changed/,
    });
    whileMounted({ path: one.path, tar: sparse }, (tree) => {
      assert.equal(fs.statSync(join(tree, "d/x")).size, 7);
      fs.writeFileSync(sparse, tar, { flag: "r+" });
      assert.equal(fs.readFileSync(join(tree, "d/x"), "utf8"), "content");
    });
  });

  it("are no image until they are complete", () => {
    const path = join(root, "part.erofs");
    {
      using image = new ImageFile(path, rootAttributes, {});
      image.write(makeTar(members).subarray(0, 1500));
      assert.throws(() => image.finish(), { code: "data_loss", message: /unexpected end/ });
    }
    assert.throws(() => readImage(path), { code: "data_loss" });
    assert.throws(() => mountRaw(path, join(root, "mounted"), "erofs", MS.RDONLY, ""));
  });

  it("hold a directory of 100,000 names, names of 255 bytes, and links without end", () => {
    const long = "n".repeat(250);
    const many = Array.from({ length: 100_000 }, (_, index): Member => ({
      type: "file",
      name: `many/${index}`,
    }));
    const names = Array.from({ length: 300 }, (_, index): Member => ({
      type: "directory",
      name: `long/${long}${10_000 + index}`,
    }));
    const links = Array.from({ length: 70_000 }, (_, index): Member => ({
      type: "link",
      name: `links/${index}`,
      linkName: "many/7",
    }));
    const { path } = writeImage(makeTar([...many, ...names, ...links]), 1 << 20);
    whileMounted({ path }, (tree) => {
      assert.equal(new Set(fs.readdirSync(join(tree, "many"))).size, 100_000);
      assert.deepEqual(
        fs.readdirSync(join(tree, "long")),
        names.map(({ name }) => name.slice(5)),
      );
      for (const index of [0, 1, 99_999, 54_321])
        assert.ok(fs.statSync(join(tree, `many/${index}`)).isFile());
      assert.throws(() => fs.statSync(join(tree, "many/100000")), { code: "ENOENT" });
      assert.equal(fs.statSync(join(tree, "links/69999")).nlink, 70_001);
    });
  });

  for (const size of [5 * 2 ** 30, 150 * 2 ** 30, 2 ** 40 - 2 ** 21])
    it(`hold a file of ${Math.round(size / 2 ** 30)} GiB, and what follows it in the tar`, () => {
      const path = join(root, "big.erofs");
      const nodes = new LayerNodes({});
      nodes.entry({ ...noEntry, name: "big", sizeBytes: size }, 512);
      nodes.entry({ ...noEntry, name: "after", sizeBytes: 3 }, 512 + size + 512);
      const tarBytes = 512 + size + 1024;
      const index = encodeIndex(nodes.root, tarBytes);
      const record = {
        tarBytes,
        imageBytes: index.imageBytes,
        tarHash: Buffer.alloc(32),
        indexHash: Buffer.alloc(32),
        guessesDirectories: false,
        filesBytes: index.filesBytes,
      };
      const fd = fs.openSync(path, "w");
      fs.writeSync(fd, encodeHeader(index.superblock, record), 0, headerBytes, 0);
      fs.writeSync(fd, "last", headerBytes + 512 + size - 4);
      fs.writeSync(fd, "abc", headerBytes + 512 + size + 512);
      fs.writeSync(fd, index.metadata, 0, index.metadata.length, index.metadataOffset);
      fs.closeSync(fd);
      whileMounted({ path }, (tree) => {
        assert.equal(fs.statSync(join(tree, "big")).size, size);
        assert.equal(fs.readFileSync(join(tree, "after"), "utf8"), "abc");
        const end = Buffer.alloc(8);
        const file = fs.openSync(join(tree, "big"), "r");
        fs.readSync(file, end, 0, 8, size - 8);
        fs.closeSync(file);
        assert.equal(end.toString("latin1"), "\0\0\0\0last");
      });
    });

  it("have what several files say of themselves once, where that is shorter", () => {
    const value = "a value that several files have";
    const xattrs = new Map([["user.shared", Buffer.from(value)]]);
    const own = new Map([["user.own", Buffer.from("x")]]);
    const many = Array.from({ length: 40 }, (_, index): Member => ({
      type: "file",
      name: `${index}`,
      xattrs: new Map([...xattrs, ...(index % 2 === 0 ? own : [])]),
    }));
    const tar = makeTar(many);
    const image = writeImage(tar);
    const index = fs
      .readFileSync(image.path)
      .subarray(headerBytes + tar.length)
      .toString("latin1");
    assert.equal(index.split(value).length - 1, 1);
    whileMounted(image, (tree) => {
      for (const name of ["0", "7", "38"])
        assert.equal(getXattr(join(tree, name), "user.shared")?.toString(), value);
    });
  });

  it("refuse a layer that is longer than their numbers reach", () => {
    const nodes = new LayerNodes({});
    nodes.entry({ ...noEntry, name: "big", sizeBytes: 2 ** 41 }, 512);
    for (const place of ["inside", "beside"] as const)
      assert.throws(() => encodeIndex(nodes.root, 2 ** 41 + 1024, place), {
        code: "resource_exhausted",
        message: /longer than 2 TiB/,
      });
  });

  it("refuse numbers that do not fit", () => {
    for (const [member, message] of [
      [{ type: "file", name: "x", uid: 2 ** 40 }, /user id 1099511627776 is out of range/],
      [{ type: "file", name: "x", gid: 2 ** 32 }, /group id 4294967296 is out of range/],
      [{ type: "block", name: "x", deviceMajor: 4096 }, /device number 4096:0 is out of range/],
      [{ type: "file", name: "n".repeat(256) }, /its name is too long/],
      [
        { type: "file", name: "x", xattrs: new Map([["user.a", Buffer.alloc(70_000)]]) },
        /"user.a" is too long/,
      ],
    ] as const)
      assert.throws(
        () => writeImage(makeTar([member])),
        (error: unknown) => error instanceof Fault && message.test(error.message),
      );
  });
});
