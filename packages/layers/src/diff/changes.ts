import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { getXattr } from "@slipway/linux/xattr";
import { type ByteName, fromText } from "../bytes-name.ts";
import { isSameFile } from "./same-file.ts";

/** What became of one path between two trees. */
export type Change =
  | { readonly kind: "delete"; readonly path: ByteName }
  /** `unmodified` is said of files with several names only: another name may be new. */
  | { readonly kind: "add" | "modify" | "unmodified"; readonly path: ByteName; readonly stat: BigIntStats };

export interface Trees {
  /** Nothing when there is none. */
  readonly lower?: string;
  readonly upper: string;
  /** `upper` has only what differs, with overlayfs's marks for what is gone. */
  readonly isOverlay?: boolean;
}

/**
 * Compares two trees and gives what differs, parents before children, names in the order of their bytes. What is below
 * of a removed directory is not named. Defined by containerd's continuity/fs/diff.go.
 */
export function* findChanges(trees: Trees): Generator<Change> {
  yield* new Walk(trees).directory("", trees.lower !== undefined, trees.isOverlay ?? false);
}

class Walk {
  readonly #lower: ByteName;
  readonly #upper: ByteName;

  constructor({ lower = "", upper }: Trees) {
    this.#lower = fromText(lower);
    this.#upper = fromText(upper);
  }

  /**
   * @param hasLower the lower tree has a directory there
   * @param isPartial names that the upper tree does not have are unchanged, not gone
   */
  *directory(path: ByteName, hasLower: boolean, isPartial: boolean): Generator<Change> {
    const upperNames = namesIn(join(this.#upper, path));
    const lowerNames = hasLower && !isPartial ? namesIn(join(this.#lower, path)) : [];
    const names = [...new Set([...upperNames, ...lowerNames])].sort();
    const isInUpper = new Set(upperNames);
    for (const name of names) {
      const child = join(path, name);
      if (isInUpper.has(name)) yield* this.#entry(child, hasLower, isPartial);
      else yield { kind: "delete", path: child };
    }
  }

  *#entry(path: ByteName, hasLower: boolean, isPartial: boolean): Generator<Change> {
    const [upperPath, lowerPath] = [join(this.#upper, path), join(this.#lower, path)];
    const lower = hasLower ? stat(lowerPath) : undefined;
    const upper = stat(upperPath);
    if (!upper || (isPartial && isWhiteout(upper))) {
      if (lower) yield { kind: "delete", path };
      return;
    }
    if (!lower) yield { kind: "add", path, stat: upper };
    else if (!isSameFile(lowerPath, lower, upperPath, upper)) yield { kind: "modify", path, stat: upper };
    else if (!upper.isDirectory() && upper.nlink > 1n) yield { kind: "unmodified", path, stat: upper };
    if (!upper.isDirectory()) return;
    const isLowerDirectory = lower?.isDirectory() ?? false;
    yield* this.directory(path, isLowerDirectory, isPartial && !isOpaque(upperPath));
  }
}

function namesIn(path: ByteName): ByteName[] {
  return readdirSync(Buffer.from(path, "latin1"), "latin1");
}

function stat(path: ByteName): BigIntStats | undefined {
  return lstatSync(Buffer.from(path, "latin1"), { bigint: true, throwIfNoEntry: false });
}

function join(directory: ByteName, name: ByteName): ByteName {
  return directory === "" ? name : `${directory}/${name}`;
}

function isWhiteout(file: BigIntStats): boolean {
  return file.isCharacterDevice() && file.rdev === 0n;
}

function isOpaque(path: ByteName): boolean {
  const value = (name: string): string | undefined => getXattr(Buffer.from(path, "latin1"), name)?.toString();
  return (value("trusted.overlay.opaque") ?? value("user.overlay.opaque")) === "y";
}
