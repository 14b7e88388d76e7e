import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { mountImage } from "@slipway/linux/image-mount";
import { unmount } from "@slipway/linux/mount";
import { applyLayer } from "../apply/apply.ts";
import { fsckImage } from "../testing/erofs-utils.ts";
import { listTree } from "../testing/trees.ts";
import { extractImage } from "./extract-image.ts";
import { ImageFile, type ImageFileOptions, type WrittenImage } from "./image-file.ts";

/** An empty folder for each test. */
export let root: string;
let count = 0;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "slipway-erofs-"));
  fs.mkdirSync(join(root, "mounted"));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

export const rootAttributes = { mode: 0o755, uid: 0, gid: 0 };

export interface TestImage {
  readonly path: string;
  /** Where the tar is, when it is beside. */
  readonly tar?: string;
  readonly written: WrittenImage;
}

export function writeImage(tar: Uint8Array, pieceBytes = 1009): TestImage {
  return write(tar, pieceBytes, {});
}

/** With the tar in a file of its own. */
export function writeImageBeside(tar: Uint8Array, pieceBytes = 1009): TestImage & { readonly tar: string } {
  const beside = { tar: join(root, `${count + 1}.tar`) };
  return { ...write(tar, pieceBytes, beside), ...beside };
}

function write(tar: Uint8Array, pieceBytes: number, options: ImageFileOptions): TestImage {
  const path = join(root, `${(count += 1)}.erofs`);
  using image = new ImageFile(path, rootAttributes, options);
  for (let at = 0; at < tar.length; at += pieceBytes) image.write(tar.subarray(at, at + pieceBytes));
  return { path, written: image.finish() };
}

/** Mounts an image that fsck.erofs accepts, where it is here. */
export function whileMounted<T>({ path, tar }: Omit<TestImage, "written">, work: (tree: string) => T): T {
  fsckImage(path, ...(tar === undefined ? [] : [`--device=${tar}`]));
  const tree = join(root, "mounted");
  mountImage(path, tree, tar);
  try {
    return work(tree);
  } finally {
    unmount(tree);
  }
}

export async function directoryOf(tar: Uint8Array): Promise<string> {
  const to = join(root, `directory-${(count += 1)}`);
  fs.mkdirSync(to);
  const one = async function* (): AsyncGenerator<Uint8Array> {
    yield tar;
  };
  await applyLayer(one(), to, { whiteouts: "overlay" });
  return to;
}

async function extracted({ path, tar }: TestImage): Promise<string> {
  const to = join(root, `extracted-${(count += 1)}`);
  fs.mkdirSync(to);
  await extractImage(path, to, { whiteouts: "overlay", devices: tar === undefined ? [] : [tar] });
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

export async function agrees(tar: Uint8Array): Promise<void> {
  const begun = Math.floor(Date.now() / 1000) - 1;
  const expected = comparable(await directoryOf(tar), begun);
  for (const image of [writeImage(tar), writeImageBeside(tar)]) {
    const mounted = whileMounted(image, (tree) => comparable(tree, begun));
    assert.deepEqual(mounted, expected);
    assert.deepEqual(comparable(await extracted(image), begun), expected);
  }
}
