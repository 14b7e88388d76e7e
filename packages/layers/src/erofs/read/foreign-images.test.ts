import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { mkfsImage, whyNoErofsUtils } from "../../testing/erofs-utils.ts";
import { listTree, makeTree, shell } from "../../testing/trees.ts";
import { extractImage } from "../extract-image.ts";
import { root } from "../testing.ts";

describe("images of mkfs.erofs", { skip: whyNoErofsUtils }, () => {
  const extracted = async (image: string, ...devices: string[]): Promise<string[]> => {
    const to = fs.mkdtempSync(join(root, "extracted-"));
    await extractImage(image, to, { whiteouts: "overlay", devices });
    return listTree(to);
  };

  /** Of whole seconds: mkfs.erofs drops what a tar says below them, and inodes of the short form have no time at all. */
  const makeSource = (): string => {
    const tree = makeTree(join(root, "from"));
    shell("find . -exec touch -hd @1000000000 {} +", tree);
    return tree;
  };

  for (const options of [
    ["-b512"],
    ["-b4096"],
    ["-b4096", "-Eforce-inode-extended"],
    ["-b4096", "--chunksize=65536"],
  ])
    it(`are read, of ${options.join(" ")}`, async () => {
      const [tree, image] = [makeSource(), join(root, "image.erofs")];
      mkfsImage(image, tree, ...options, "-T1000000000");
      assert.deepEqual(await extracted(image), listTree(tree));
    });

  it("are read that have their data in a tar", async () => {
    const tree = makeSource();
    const [image, tar] = [join(root, "image.erofs"), join(root, "from.tar")];
    shell(`tar --format=posix --xattrs -cf ${tar} .`, tree);
    mkfsImage(image, tar, "--tar=i");
    assert.deepEqual(await extracted(image, tar), listTree(tree));
  });
});
