import { lstatSync } from "node:fs";
import { type ByteName, toText } from "../bytes-name.ts";
import { TarDecoder } from "../tar/decoder.ts";
import { copyAttributes, type Times } from "./attributes.ts";
import { type LayerLimits, LayerWriter } from "./layer-writer.ts";
import { RootedTree } from "./rooted-tree.ts";
import { deletingWhiteouts, joinName, overlayWhiteouts } from "./whiteouts.ts";

export interface ApplyLayerOptions {
  /**
   * How deletions are written. `overlay`: as marks of overlayfs, for an upper directory that others will be below of.
   * `delete`: by deleting, for a tree that has all layers below in it.
   */
  readonly whiteouts: "overlay" | "delete";
  /** The directories of the layers below, topmost first: attributes of directories that the layer leaves out. */
  readonly parents?: readonly string[];
  readonly limits?: LayerLimits;
  /** Hears of what this file system or the rules do not allow, such as attributes of the namespace `trusted`. */
  readonly onIgnored?: (what: string) => void;
}

/**
 * Applies a layer's tar to the directory `root`. Defined by https://github.com/opencontainers/image-spec/blob/main/layer.md
 * and containerd's pkg/archive/tar.go. Calls the file system synchronously: meant for a worker thread.
 *
 * @returns the bytes of all files
 * @throws {Fault} `invalid_argument` for what no layer may have, `data_loss` when it is cut off, `resource_exhausted` over a limit
 */
export async function applyLayer(
  tar: AsyncIterable<Uint8Array>,
  root: string,
  options: ApplyLayerOptions,
): Promise<number> {
  return await applyMembers(root, options, async (writer) => {
    const decoder = new TarDecoder(writer);
    for await (const chunk of tar) decoder.write(chunk);
    decoder.end();
  });
}

/** Applies a layer's members, which `write` gives to the writer. @returns the bytes of all files */
export async function applyMembers(
  root: string,
  options: ApplyLayerOptions,
  write: (writer: LayerWriter) => Promise<void> | void,
): Promise<number> {
  const own = new Set<ByteName>();
  const directoryTimes = new Map<ByteName, Times>();
  using tree = new RootedTree(root, (directory, name) => {
    const path = joinName(directory.path, name);
    const parent = findDirectory(options.parents ?? [], path);
    if (parent !== undefined) directoryTimes.set(path, copyAttributes(parent, directory, name));
  });
  const whiteouts =
    options.whiteouts === "overlay"
      ? overlayWhiteouts(tree)
      : deletingWhiteouts(tree, (path) => own.has(path));
  using writer = new LayerWriter(tree, whiteouts, {
    own,
    directoryTimes,
    limits: options.limits ?? {},
    onIgnored: options.onIgnored ?? (() => {}),
  });
  await write(writer);
  writer.finish();
  return writer.bytes;
}

/** The directory of that name in the layers below: the topmost one that has the name decides. */
export function findDirectory(parents: readonly string[], path: ByteName): string | undefined {
  for (const parent of parents) {
    const found = `${parent}/${toText(path)}`;
    const stat = lstatSync(found, { throwIfNoEntry: false });
    if (stat) return stat.isDirectory() ? found : undefined;
  }
  return undefined;
}
