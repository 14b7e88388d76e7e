import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import * as fc from "fast-check";
import { mountRaw, unmount } from "@slipway/linux/mount";
import { MS } from "@slipway/linux/mount-flags";
import { applyLayer } from "../apply/apply.ts";
import { makeTar, type Member } from "../testing/archive.ts";
import { listTree, makeTree, shell } from "../testing/trees.ts";
import { encodeHeader, headerBytes } from "./format.ts";
import { encodeIndex } from "./encode.ts";
import { LayerNodes } from "./layer-nodes.ts";
import { readImage, verifyImage } from "./verify.ts";
import { encodeHeader as encodeTarHeader, paddingAfter } from "../tar/encoder.ts";
import { writePax } from "../tar/pax.ts";
import type { TarEntry } from "../tar/entry.ts";
import { digestOf } from "@slipway/oci/digest";
import { ImageFile, type WrittenImage } from "./image-file.ts";

let root: string;
let count = 0;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "slipway-erofs-"));
  fs.mkdirSync(join(root, "mounted"));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

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
const rootAttributes = { mode: 0o755, uid: 0, gid: 0 };

function writeImage(tar: Uint8Array, pieceBytes = 1009): { path: string; written: WrittenImage } {
  const path = join(root, `${(count += 1)}.erofs`);
  using image = new ImageFile(path, rootAttributes, {});
  for (let at = 0; at < tar.length; at += pieceBytes) image.write(tar.subarray(at, at + pieceBytes));
  return { path, written: image.finish() };
}

function whileMounted<T>(image: string, work: (tree: string) => T): T {
  const tree = join(root, "mounted");
  mountRaw(image, tree, "erofs", MS.RDONLY, "");
  try {
    return work(tree);
  } finally {
    unmount(tree);
  }
}

async function directoryOf(tar: Uint8Array): Promise<string> {
  const to = join(root, `directory-${(count += 1)}`);
  fs.mkdirSync(to);
  const one = async function* (): AsyncGenerator<Uint8Array> {
    yield tar;
  };
  await applyLayer(one(), to, { whiteouts: "overlay" });
  return to;
}

/** What nobody said when it was changed has the current time in a directory, and none in an image. */
function comparable(tree: string, begun: number): string[] {
  const lines = listTree(tree).map((line) =>
    line.replaceAll(/ (\d+)\.\d+(?= |$)/g, (time, seconds) =>
      Number(seconds) >= begun ? " 0.0000000000" : time,
    ),
  );
  // Attributes come in any order, a paragraph a file.
  return lines
    .join("\n")
    .split("\n# file")
    .map((paragraph) => paragraph.trim())
    .toSorted();
}

async function agrees(tar: Uint8Array): Promise<void> {
  const begun = Math.floor(Date.now() / 1000) - 1;
  const expected = comparable(await directoryOf(tar), begun);
  const { path } = writeImage(tar);
  assert.deepEqual(
    whileMounted(path, (tree) => comparable(tree, begun)),
    expected,
  );
}

describe("a layer image", () => {
  for (const format of [
    "gnu --sparse",
    "oldgnu --sparse",
    "posix --xattrs --xattrs-include=* --acls --sparse --sparse-version=0.0",
    "posix --xattrs --sparse --sparse-version=0.1",
    "posix --xattrs --sparse --sparse-version=1.0",
  ]) {
    it(`mounts with the tree that a directory gets, of ${format}`, async () => {
      const from = makeTree(join(root, "from"));
      await agrees(shell(`tar --format=${format} -c .`, from));
    });
  }

  it("has what replaces and what is replaced as a directory has it", async () => {
    await agrees(
      makeTar([
        { type: "directory", name: "d", modifiedNs: 5_000_000_000n },
        { type: "file", name: "d/x", data: "1" },
        { type: "file", name: "d/x", data: "22" },
        { type: "link", name: "d/y", linkName: "d/x" },
        { type: "symlink", name: "l", linkName: "d" },
        { type: "file", name: "l/z", data: "3" },
        { type: "directory", name: "d/x", modifiedNs: 6_000_000_000n },
        { type: "file", name: "d/.wh.gone" },
        { type: "file", name: "d/x/.wh..wh..opq" },
        { type: "file", name: "e", data: "x" },
        { type: "file", name: ".wh.e", data: "x" },
        { type: "file", name: ".wh.f", data: "x" },
        { type: "directory", name: "f", modifiedNs: 7_000_000_000n },
      ]),
    );
  });
});

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
    whileMounted(path, (tree) => {
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

  it("hold files of more than 4 GiB, and of more than a tar has in a row", () => {
    const size = 5 * 2 ** 30;
    const path = join(root, "big.erofs");
    const nodes = new LayerNodes({});
    const entry = { ...noEntry, name: "big", sizeBytes: size };
    nodes.entry(entry, 512);
    nodes.entry({ ...noEntry, name: "after", sizeBytes: 3 }, 512 + size + 512);
    const tarBytes = 512 + size + 1024;
    const index = encodeIndex(nodes.root, tarBytes);
    const record = {
      tarBytes,
      imageBytes: index.imageBytes,
      tarHash: Buffer.alloc(32),
      indexHash: Buffer.alloc(32),
    };
    const fd = fs.openSync(path, "w");
    fs.writeSync(fd, encodeHeader(index.superblock, record), 0, headerBytes, 0);
    fs.writeSync(fd, "last", headerBytes + 512 + size - 4);
    fs.writeSync(fd, "abc", headerBytes + 512 + size + 512);
    fs.writeSync(fd, index.metadata, 0, index.metadata.length, index.metadataOffset);
    fs.closeSync(fd);
    whileMounted(path, (tree) => {
      assert.equal(fs.statSync(join(tree, "big")).size, size);
      assert.equal(fs.readFileSync(join(tree, "after"), "utf8"), "abc");
      const end = Buffer.alloc(8);
      const file = fs.openSync(join(tree, "big"), "r");
      fs.readSync(file, end, 0, 8, size - 8);
      fs.closeSync(file);
      assert.equal(end.toString("latin1"), "\0\0\0\0last");
    });
    nodes.entry({ ...noEntry, name: "bigger", sizeBytes: 2 ** 42 }, tarBytes);
    assert.throws(() => encodeIndex(nodes.root, tarBytes + 2 ** 42), {
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

  it("may be as long as their tar is short", () => {
    const { path } = writeImage(tarOf([[2 ** 40, "far"]], 2 ** 43));
    assert.ok(fs.statSync(path).blocks * 512 < 2 ** 20);
    whileMounted(path, (tree) => {
      assert.equal(fs.statSync(join(tree, "sparse")).size, 2 ** 43);
      const found = Buffer.alloc(5);
      const file = fs.openSync(join(tree, "sparse"), "r");
      fs.readSync(file, found, 0, 5, 2 ** 40 - 1);
      fs.closeSync(file);
      assert.equal(found.toString("latin1"), "\0far\0");
    });
  });
});

describe("any archive", () => {
  const base = fc.constantFrom(
    "a",
    "b",
    "c",
    "d",
    ".wh.a",
    ".wh.b",
    ".wh..wh..opq",
    "..",
    ".",
    "n".repeat(255),
  );
  const name = fc.array(base, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const target = fc.oneof(
    name,
    name.map((path) => `/${path}`),
  );
  const acl = Buffer.from(
    "02000000010006000000000002000700010000000400040000000000100007000000000020000400ffffffff",
    "hex",
  );
  acl.writeInt32LE(-1, 8);
  const xattrs = fc.constantFrom(
    new Map<string, Uint8Array>(),
    new Map([["user.same", Buffer.from("a value that several files have, to be written once")]]),
    new Map([["user.other", Buffer.alloc(700, 1)]]),
    new Map([["security.capability", Buffer.from("0100000200200000000000000000000000000000", "hex")]]),
    new Map([["trusted.overlay.redirect", Buffer.from("/")]]),
    new Map([["system.posix_acl_access", acl]]),
  );
  const member = fc.record({
    type: fc.constantFrom("file", "file", "directory", "directory", "symlink", "link", "fifo", "character"),
    name,
    linkName: target,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.constantFrom(0, 1000, 2 ** 32 - 2),
    gid: fc.constantFrom(0, 70_000),
    modifiedNs: fc
      .integer({ min: -5, max: 2 ** 31 })
      .map((seconds) => BigInt(seconds % 1_700_000_000) * 1_000_000_000n),
    deviceMajor: fc.constantFrom(0, 1, 4095),
    deviceMinor: fc.constantFrom(0, 300, 0xf_ffff),
    xattrs,
    data: fc.constantFrom("", "x", "y".repeat(512), "z".repeat(5000)),
  });

  it("makes the tree that a directory gets, or is refused where a directory refuses it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(member as fc.Arbitrary<Member>, { maxLength: 12 }), async (members) => {
        const tar = makeTar(members.map((each) => (each.type === "file" ? each : { ...each, data: "" })));
        const refused = await directoryOf(tar).then(
          () => undefined,
          (error: unknown) => error as Error,
        );
        if (refused) assert.throws(() => writeImage(tar), Fault, refused.message);
        else await agrees(tar);
      }),
      { numRuns: Number(process.env["EROFS_RUNS"] ?? 60) },
    );
  });
});
