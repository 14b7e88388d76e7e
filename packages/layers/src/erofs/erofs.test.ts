import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { mountImageByLoop } from "@slipway/linux/image-mount";
import { unmount } from "@slipway/linux/mount";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { usageOf } from "../files/usage.ts";
import { makeTar } from "../testing/archive.ts";
import { fsckImage, whyNoErofsUtils } from "../testing/erofs-utils.ts";
import { listTree, makeTree, shell } from "../testing/trees.ts";
import { readImage } from "./verify.ts";
import { agrees, root, type TestImage, whileMounted, writeImage, writeImageBeside } from "./testing.ts";

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

  const layouts: readonly (readonly [string, (tar: Uint8Array) => TestImage])[] = [
    ["in it", writeImage],
    ["beside it", writeImageBeside],
  ];
  for (const [where, write] of layouts)
    it(`mounts through loop devices as well, with the tar ${where}, and they go with the mount`, () => {
      const archive = makeTar([{ type: "file", name: "d/x", data: "content" }]);
      const { path, tar } = write(archive);
      const tree = join(root, "mounted");
      mountImageByLoop(path, tree, tar);
      const { source = "" } = readMountInfo().find(({ mountPoint }) => mountPoint === tree) ?? {};
      try {
        assert.match(source, /^\/dev\/loop\d+$/);
        assert.equal(fs.readFileSync(join(tree, "d/x"), "utf8"), "content");
      } finally {
        unmount(tree);
      }
      assert.doesNotMatch(shell("losetup -a", root).toString(), new RegExp(RegExp.escape(root)));
    });

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

  it("says what its tree takes as files, as du(1) counts", () => {
    const { path } = writeImage(
      makeTar([
        { type: "directory", name: "d" },
        { type: "file", name: "d/empty" },
        { type: "file", name: "d/one", data: "x" },
        { type: "file", name: "d/block", data: "x".repeat(4096) },
        { type: "file", name: "d/more", data: "x".repeat(4097) },
        { type: "link", name: "d/again", linkName: "d/more" },
        { type: "symlink", name: "d/short", linkName: "x".repeat(59) },
        { type: "symlink", name: "d/long", linkName: "x".repeat(60) },
      ]),
    );
    const { inodes, filesBytes } = readImage(path);
    // The root and d, three files with data, of which one takes two blocks, and a long target.
    assert.deepEqual({ inodes, filesBytes }, { inodes: 8, filesBytes: 4096 * 7 });
    const to = join(root, "files");
    fs.mkdirSync(to);
    shell("mkdir d; cd d; touch empty; printf x > one; head -c 4096 /dev/zero > block", to);
    shell("cd d; head -c 4097 /dev/zero > more; ln more again; ln -s $(printf %059d 0) short", to);
    shell("cd d; ln -s $(printf %060d 0) long", to);
    assert.equal(usageOf(to).inodes, inodes);
  });

  it("has what an archive without an end has, whose last member is not padded", async () => {
    const tar = makeTar([{ type: "file", name: "a", data: "x".repeat(600) }]);
    await agrees(tar.subarray(0, 512 + 600));
    await agrees(tar.subarray(0, 512 + 1024));
  });

  it("is what fsck.erofs expects, which extracts the same tree", { skip: whyNoErofsUtils }, () => {
    const image = writeImage(shell("tar --format=posix --xattrs -c .", makeTree(join(root, "from"))));
    const to = join(root, "extracted");
    fsckImage(image.path, `--extract=${to}`);
    // It does not extract attributes of files.
    const listed = (tree: string): string[] =>
      listTree(tree).filter((line) => !/^(?:# file: |user\.|$)/.test(line));
    assert.deepEqual(listed(to), whileMounted(image, listed));
  });
});
