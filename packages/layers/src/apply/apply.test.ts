import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import * as fc from "fast-check";
import { LayerNodes } from "../erofs/layer-nodes.ts";
import { TarDecoder } from "../tar/decoder.ts";
import { makeTar, type Member } from "../testing/archive.ts";
import { listTree, makeTree, shell } from "../testing/trees.ts";
import type { LayerLimits } from "./layer-writer.ts";
import { applyLayer, type ApplyLayerOptions } from "./apply.ts";

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "slipway-layers-"));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));
const directory = (name: string): string => {
  fs.mkdirSync(join(root, name), { recursive: true });
  return join(root, name);
};

/** In pieces of an odd size, so that every border falls somewhere. */
async function* pieces(bytes: Uint8Array, size = 1009): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function apply(tar: Uint8Array, to: string, options?: Partial<ApplyLayerOptions>): Promise<void> {
  await applyLayer(pieces(tar), to, { whiteouts: "delete", ...options });
}

describe("applyLayer", () => {
  for (const format of [
    "gnu --sparse",
    "oldgnu --sparse",
    "posix --xattrs --sparse --sparse-version=0.0",
    "posix --xattrs --sparse --sparse-version=0.1",
    "posix --xattrs --sparse --sparse-version=1.0",
  ]) {
    it(`makes what GNU tar packs as ${format}`, async () => {
      const from = makeTree(join(root, "from"));
      const tar = shell(`tar --format=${format} -c .`, from);
      const [ours, theirs] = [directory("ours"), directory("theirs")];
      await apply(tar, ours);
      fs.writeFileSync(join(root, "tar"), tar);
      shell("tar --xattrs --xattrs-include='*' --numeric-owner -xpf ../tar", theirs);
      assert.deepEqual(listTree(ours), listTree(theirs));
    });
  }

  const applied = async (
    members: readonly Member[],
    options?: Partial<ApplyLayerOptions>,
  ): Promise<string> => {
    const to = directory("to");
    await apply(makeTar(members), to, options);
    return to;
  };
  const refuses = async (
    members: readonly Member[],
    message: RegExp,
    code = "invalid_argument",
  ): Promise<void> => {
    await assert.rejects(applied(members), { code, message });
  };

  it("replaces files by directories and the other way round, and takes the last of two", async () => {
    const to = await applied([
      { type: "file", name: "a", data: "1" },
      { type: "directory", name: "a", mode: 0o700 },
      { type: "file", name: "b/c", data: "1" },
      { type: "file", name: "b", data: "2" },
      { type: "file", name: "b", data: "3" },
      { type: "symlink", name: "b2", linkName: "b" },
      { type: "file", name: "b2", data: "4" },
    ]);
    assert.deepEqual(
      shell("find . -mindepth 1 -printf '%P %y %m\n' | sort; cat b b2", to).toString(),
      "a d 700\nb f 644\nb2 f 644\n34",
    );
  });

  it("keeps symlinks inside of the root", async () => {
    fs.writeFileSync(join(root, "secret"), "secret");
    const to = await applied([
      { type: "symlink", name: "up", linkName: "../../.." },
      { type: "symlink", name: "absolute", linkName: root },
      { type: "file", name: "up/a", data: "1" },
      { type: "file", name: "absolute/b", data: "2" },
      { type: "symlink", name: "twice", linkName: "absolute/none" },
      { type: "file", name: "twice/c", data: "3" },
    ]);
    assert.deepEqual(fs.readdirSync(root).sort(), ["secret", "to"]);
    assert.equal(fs.readFileSync(join(to, "a"), "utf8"), "1");
    assert.equal(fs.readFileSync(join(to, root, "b"), "utf8"), "2");
    assert.equal(fs.readFileSync(join(to, root, "none", "c"), "utf8"), "3");
  });

  it("refuses what leaves the root, links to nothing, and loops", async () => {
    await refuses(
      [{ type: "file", name: "../x" }],
      /Cannot apply "\.\.\/x" of the layer: it is outside of the layer's root/,
    );
    await refuses([{ type: "file", name: "a/../../x" }], /outside/);
    await refuses(
      [{ type: "link", name: "x", linkName: "../secret" }],
      /its target "\.\.\/secret" is outside/,
    );
    await refuses([{ type: "link", name: "x", linkName: "none" }], /cannot link it to "none"/);
    await refuses(
      [
        { type: "symlink", name: "l", linkName: "l" },
        { type: "file", name: "l/x" },
      ],
      /too many symlinks/,
    );
    await refuses(
      [
        { type: "file", name: "f" },
        { type: "file", name: "f/x" },
      ],
      /is not a directory/,
    );
    await refuses([{ type: "file", name: ".wh..." }], /not a valid whiteout/);
    assert.deepEqual(fs.readdirSync(root), ["to"]);
  });

  it("touches nothing outside of the root, whatever the archive", async () => {
    const outside = directory("outside");
    shell("mkdir d; echo secret > d/file; ln -s d link", outside);
    const before = listTree(outside);
    const name = fc
      .array(
        fc.constantFrom("a", "b", "..", ".", "", ".wh.a", ".wh.b", ".wh..wh..opq", outside, "d", "file"),
        {
          minLength: 1,
          maxLength: 4,
        },
      )
      .map((parts) => parts.join("/"));
    const linkName = fc.oneof(
      name,
      fc.constantFrom("/", "..", "../../outside", `${outside}/d`, outside, "/proc/self/cwd"),
    );
    const types = ["file", "directory", "symlink", "symlink", "link", "fifo"] as const;
    const members = fc.array(fc.record({ type: fc.constantFrom(...types), name, linkName }), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(
        members,
        fc.constantFrom("overlay" as const, "delete" as const),
        async (list, whiteouts) => {
          const to = directory("to");
          // An entry that is refused must not hide those after it.
          const tars = list.map((member) =>
            makeTar([{ ...member, data: member.type === "file" ? "new" : "" }]),
          );
          for (const tar of tars) {
            await apply(tar, to, { whiteouts }).catch((error: unknown) => assert.ok(error instanceof Fault));
          }
          await apply(makeTar(list), to, { whiteouts }).catch((error: unknown) =>
            assert.ok(error instanceof Fault),
          );
          assert.deepEqual(listTree(outside), before);
          fs.rmSync(to, { recursive: true });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("stops at its limits", async () => {
    const members: Member[] = [
      { type: "file", name: "a", data: "12345" },
      { type: "file", name: "b", data: "12345" },
    ];
    const limited = (limits: LayerLimits): Promise<string> => applied(members, { limits });
    await assert.rejects(limited({ maxBytes: 9 }), {
      code: "resource_exhausted",
      message: /more than 9 bytes/,
    });
    await assert.rejects(limited({ maxEntries: 1 }), {
      code: "resource_exhausted",
      message: /more than 1 entries/,
    });
    await limited({ maxBytes: 10, maxEntries: 2 });
  });

  it("takes an archive without its end mark, and without the padding before it", async () => {
    const tar = makeTar([{ type: "file", name: "a", data: "x".repeat(600) }]);
    for (const length of [512 + 600, 512 + 1000, 512 + 1024, 512 + 1536]) {
      const to = directory(`to-${length}`);
      await apply(tar.subarray(0, length), to);
      assert.equal(fs.readFileSync(join(to, "a"), "utf8"), "x".repeat(600));
    }
  });

  it("says that an archive is cut off or broken, and never that a part is a whole", async () => {
    const tar = makeTar([{ type: "file", name: "a".repeat(150), data: "x".repeat(600) }]);
    for (const length of [1, 511, 513, 1100, 1600, 2100, 2135]) {
      await assert.rejects(apply(tar.subarray(0, length), directory(`to-${length}`)), {
        code: "data_loss",
        message: /unexpected end/,
      });
    }
    const broken = Buffer.from(tar);
    broken[1030] = 0x7f;
    await assert.rejects(apply(broken, directory("broken")), {
      code: "invalid_argument",
      message: /checksum/,
    });
  });

  it("takes nobody's trusted attributes", async () => {
    const ignored: string[] = [];
    const xattrs = new Map([
      ["trusted.overlay.redirect", Buffer.from("/")],
      ["user.a", Buffer.from("b")],
    ]);
    const to = await applied([{ type: "directory", name: "d", xattrs }], {
      onIgnored: (what) => ignored.push(what),
    });
    assert.match(shell("getfattr -dm - d", to).toString(), /^# file: d\nuser\.a="b"\n\n$/);
    assert.deepEqual(ignored, ["extended attribute trusted.overlay.redirect"]);
  });
});

describe("whiteouts", () => {
  const below = (): string => {
    const to = directory("to");
    shell("mkdir -p d/e gone; touch d/old d/e/old file gone/x", to);
    return to;
  };
  const layer: Member[] = [
    { type: "file", name: "d/new" },
    { type: "file", name: "d/.wh..wh..opq" },
    { type: "file", name: "d/e/new" },
    { type: "file", name: ".wh.file" },
    { type: "file", name: ".wh.gone" },
    { type: "file", name: ".wh.none" },
    { type: "file", name: "back/x" },
    { type: "file", name: ".wh.back" },
  ];
  const names = (to: string): string[] =>
    shell("find . -mindepth 1 -printf '%P %y\n' | sort", to).toString().trim().split("\n");

  it("delete what is below and nothing of their own layer", async () => {
    const to = below();
    await apply(makeTar(layer), to);
    assert.deepEqual(names(to), ["back d", "back/x f", "d d", "d/e d", "d/e/new f", "d/new f"]);
  });

  it("become marks of overlayfs that show the same tree", async () => {
    const lower = below();
    const [upper, work, merged] = [directory("upper"), directory("work"), directory("merged")];
    await apply(
      makeTar([...layer, { type: "file", name: ".wh.gone" }, { type: "directory", name: "gone" }]),
      upper,
      { whiteouts: "overlay", parents: [lower] },
    );
    shell(`mount -t overlay overlay -o lowerdir=${lower},upperdir=${upper},workdir=${work} ${merged}`, root);
    try {
      assert.deepEqual(names(merged), [
        "back d",
        "back/x f",
        "d d",
        "d/e d",
        "d/e/new f",
        "d/new f",
        "gone d",
      ]);
    } finally {
      shell(`umount ${merged}`, root);
    }
  });

  it("leave directories that the layer does not name as they were", async () => {
    const lower = below();
    shell("chown 7:8 d; chmod 711 d; setfattr -n user.a -v b d; touch -d 2001-01-01 d", lower);
    const upper = directory("upper");
    await apply(makeTar([{ type: "file", name: "d/x" }]), upper, { whiteouts: "overlay", parents: [lower] });
    assert.equal(
      shell("stat -c '%u %g %a %Y' d; getfattr -n user.a --only-values d", upper).toString(),
      "7 8 711 978307200\nb",
    );
  });

  const [link, whiteout]: [Member, Member] = [
    { type: "symlink", name: "a", linkName: "/b" },
    { type: "file", name: "a/.wh.x" },
  ];
  for (const [what, members] of Object.entries<Member[]>({
    "the symlink comes first": [link, whiteout],
    "the whiteout comes first": [whiteout, link],
    "it is an opaque one": [link, { type: "file", name: "a/.wh..wh..opq" }],
    "the directory is named, too": [link, { type: "directory", name: "b" }, whiteout],
    "the directory is whited out before": [{ type: "file", name: ".wh.a" }, link, whiteout],
    "the symlink is relative": [{ ...link, linkName: "b" }, whiteout],
    "the symlink is two names above": [link, { type: "file", name: "a/d/.wh.x" }],
    "the symlink is reached by dots": [link, { type: "file", name: "./b/../a//.wh.x" }],
    "a symlink leads to it": [
      link,
      { type: "symlink", name: "c", linkName: "a" },
      { type: "file", name: "c/.wh.x" },
    ],
  })) {
    it(`never follow a symlink: ${what}`, async () => {
      const lower = directory("lower");
      shell("mkdir a b b/d; touch a/x b/x b/y b/d/x", lower);
      const kept = ["a l", "b d", "b/d d", "b/d/x f", "b/x f", "b/y f"];
      const shown = (to: string): string[] => names(to).filter((name) => name !== "c l");
      const [upper, work, merged] = [directory("upper"), directory("work"), directory("merged")];
      await apply(makeTar(members), upper, { whiteouts: "overlay", parents: [lower] });
      shell(
        `mount -t overlay overlay -o lowerdir=${lower},upperdir=${upper},workdir=${work} ${merged}`,
        root,
      );
      try {
        assert.deepEqual(shown(merged), kept);
      } finally {
        shell(`umount ${merged}`, root);
      }
      const nodes = new LayerNodes({});
      const decoder = new TarDecoder(nodes);
      decoder.write(makeTar(members));
      decoder.end();
      // Kept as an image, the layer has no marks either, but on "a" when that came after them.
      assert.equal(nodes.root.children.get("a")?.type, "symlink");
      const target = nodes.root.children.get("b");
      assert.deepEqual(target?.type === "directory" ? [...target.children.keys()] : [], []);
      await apply(makeTar(members), lower);
      assert.deepEqual(shown(lower), kept);
    });
  }
});
