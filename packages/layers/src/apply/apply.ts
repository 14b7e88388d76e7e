import { lstatSync, readFileSync, writeFileSync } from "node:fs";
import { setTimes } from "@slipway/linux/times";
import { parseJson } from "@slipway/oci/documents/json-field";
import { type ByteName, toPath, toText } from "../bytes-name.ts";
import { TarDecoder } from "../tar/decoder.ts";
import { copyAttributes, type Times } from "./attributes.ts";
import { type LayerLimits, LayerWriter } from "./layer-writer.ts";
import { RootedTree, splitName } from "./rooted-tree.ts";
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
  /** A file for the paths of directories that the layer leaves out and that the layers below do not have, as JSON. */
  readonly noteGuesses?: string;
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
  const guessed = new Set<ByteName>();
  using tree = new RootedTree(root, (directory, name) => {
    const path = joinName(directory.path, name);
    const parent = findDirectory(options.parents ?? [], path);
    if (parent === undefined) guessed.add(path);
    else directoryTimes.set(path, copyAttributes(parent, directory, name));
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
  const guesses = [...guessed].filter((path) => !directoryTimes.has(path));
  if (options.noteGuesses !== undefined && guesses.length > 0)
    writeFileSync(options.noteGuesses, JSON.stringify(guesses));
  return writer.bytes;
}

/** Gives directories of `root` what they have in the layers below, which were not known when they were made. */
export function inheritAttributes(root: string, guesses: string, parents: readonly string[]): void {
  using tree = new RootedTree(root);
  const noted = parseJson(`"${guesses}"`, readFileSync(guesses), { maxBytes: Infinity, code: "data_loss" });
  for (const path of noted.texts()) {
    const parent = findDirectory(parents, path);
    if (parent === undefined) continue;
    const [above, base] = splitName(path);
    const directory = tree.directory(above);
    setTimes(toPath(base), copyAttributes(parent, directory, base), directory.fd);
  }
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
