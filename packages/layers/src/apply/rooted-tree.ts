import { closeSync, constants, lstatSync, openSync, readlinkSync, rmSync, type BigIntStats } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { mkdirAt, readlinkAt, unlinkAt } from "@slipway/linux/at";
import { O_PATH, openAt, RESOLVE } from "@slipway/linux/openat2";
import { isSystemError } from "@slipway/linux/system-call";
import { type ByteName, toPath, toText } from "../bytes-name.ts";

/** An open directory of the tree, good until two further ones were asked for. */
export interface Directory {
  readonly fd: number;
  /** Where it is below the root, without symlinks: empty for the root. */
  readonly path: ByteName;
}

// Enough for the depth of a tree and its neighbours; each is an open file.
const maxOpen = 128;
// As many as the kernel follows in one path.
const maxLinks = 40;

/**
 * A directory tree in which hostile names stay inside: whatever is found under a name, symlinks included, is looked
 * for below the root (openat2 with RESOLVE_IN_ROOT), and what is done to it is done by its open parent directory.
 */
export class RootedTree implements Disposable {
  readonly #root: Directory;
  readonly #rootPath: ByteName;
  readonly #open = new Map<ByteName, Directory>();
  readonly #onCreated: (parent: Directory, name: ByteName) => void;

  /** `onCreated` hears of directories that were missing and were made with mode 0755. */
  constructor(root: string, onCreated: (parent: Directory, name: ByteName) => void = () => {}) {
    this.#root = { fd: openSync(root, constants.O_RDONLY | constants.O_DIRECTORY), path: "" };
    this.#rootPath = realPath(this.#root.fd);
    this.#onCreated = onCreated;
  }

  /** Opens the directory `name`, making what is missing. @throws {Fault} `invalid_argument` when something else is there */
  directory(name: ByteName): Directory {
    if (name === "") return this.#root;
    const known = this.#open.get(name);
    if (known) {
      // The last ones asked for stand last.
      this.#open.delete(name);
      this.#open.set(name, known);
      return known;
    }
    const fd = this.#openOrCreate(name, maxLinks);
    const real = realPath(fd).slice(this.#rootPath.length);
    const directory = { fd, path: real.startsWith("/") ? real.slice(1) : real };
    this.#open.set(name, directory);
    if (this.#open.size > maxOpen) {
      const [oldest] = this.#open;
      if (oldest) this.#close(oldest);
    }
    return directory;
  }

  /** Whether a symlink is on the way to the directory `name`, or is what has that name. */
  hasSymlink(name: ByteName): boolean {
    if (name === "") return false;
    try {
      closeSync(openAt(this.#root.fd, toPath(name), O_PATH, { resolve: resolvePlain }));
      return false;
    } catch (error) {
      // What is missing, or no directory, is so without a symlink before it.
      if (isSystemError(error, "ENOENT", "ENOTDIR")) return false;
      if (isSystemError(error, "ELOOP")) return true;
      throw error;
    }
  }

  /** What is there, without following a symlink; nothing when there is nothing. */
  stat(directory: Directory, name: ByteName): BigIntStats | undefined {
    return lstatSync(procPath(directory, name), { bigint: true, throwIfNoEntry: false });
  }

  /** Removes `stat`, which is there under that name, with all below it. Other open directories are no longer good. */
  remove(directory: Directory, name: ByteName, stat: BigIntStats): void {
    if (!stat.isDirectory()) unlinkAt(directory.fd, toPath(name));
    else rmSync(procPath(directory, name), { recursive: true, force: true });
    if (!stat.isDirectory() && !stat.isSymbolicLink()) return;
    // Names that went through it lead elsewhere now.
    for (const entry of this.#open) if (entry[1] !== directory) this.#close(entry);
  }

  [Symbol.dispose](): void {
    for (const entry of this.#open) this.#close(entry);
    closeSync(this.#root.fd);
  }

  #close([name, directory]: readonly [ByteName, Directory]): void {
    this.#open.delete(name);
    closeSync(directory.fd);
  }

  #openOrCreate(name: ByteName, linksLeft: number): number {
    try {
      return this.#openDirectory(name);
    } catch (error) {
      if (isSystemError(error, "ENOTDIR")) throw notDirectory(name);
      if (isSystemError(error, "ELOOP")) {
        throw new Fault("invalid_argument", `Cannot open "${toText(name)}": too many symlinks`);
      }
      if (!isSystemError(error, "ENOENT")) throw error;
    }
    const [parentName, base] = splitName(name);
    const parent = { fd: this.#openOrCreate(parentName, linksLeft), path: parentName };
    try {
      mkdirAt(parent.fd, toPath(base), 0o755);
      this.#onCreated(parent, base);
    } catch (error) {
      if (!isSystemError(error, "EEXIST")) throw error;
      // It is there and yet could not be opened: a symlink to nothing, whose target is to be made.
      return this.#openOrCreate(this.#target(parent, base, linksLeft), linksLeft - 1);
    } finally {
      closeSync(parent.fd);
    }
    return this.#openDirectory(name);
  }

  #openDirectory(name: ByteName): number {
    const path = name === "" ? "." : toPath(name);
    return openAt(this.#root.fd, path, O_PATH | constants.O_DIRECTORY, { resolve });
  }

  #target(parent: Directory, base: ByteName, linksLeft: number): ByteName {
    const name = `${parent.path}/${base}`;
    if (linksLeft === 0)
      throw new Fault("invalid_argument", `Cannot open "${toText(name)}": too many symlinks`);
    const target = readlinkAt(parent.fd, toPath(base)).toString("latin1");
    return cleanName(
      target.startsWith("/") ? target : `${realPath(parent.fd).slice(this.#rootPath.length)}/${target}`,
    );
  }
}

const resolve = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS;
const resolvePlain = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS;

/** A path to `name` for calls that have no "at" form. The kernel goes through the open directory, not through names. */
export function procPath(directory: Directory, name: ByteName): Buffer {
  return Buffer.from(`/proc/self/fd/${directory.fd}/${name}`, "latin1");
}

/** Without ".", doubled slashes and a leading slash; ".." takes the name before it away, and stops at the root. */
export function cleanName(name: ByteName): ByteName {
  // As most archives have their names.
  const inner = name.slice(name.startsWith("./") ? 2 : 0, name.endsWith("/") ? -1 : name.length);
  if (isClean(inner)) return inner;
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** True when ".." in the name leads above where it starts. */
export function leavesRoot(name: ByteName): boolean {
  if (!name.includes("..")) return false;
  let depth = 0;
  for (const part of name.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

/** The name of the directory, and the name in it. */
export function splitName(name: ByteName): [directory: ByteName, base: ByteName] {
  const at = name.lastIndexOf("/");
  return at === -1 ? ["", name] : [name.slice(0, at), name.slice(at + 1)];
}

function isClean(name: ByteName): boolean {
  const isPlain = !name.startsWith(".") && !name.startsWith("/") && !name.includes("/.");
  if (isPlain && !name.includes("//") && !name.endsWith("/")) return true;
  return !/(?:^|\/)(?:\.{0,2})(?:\/|$)/.test(name);
}

function realPath(fd: number): ByteName {
  const path = readlinkSync(`/proc/self/fd/${fd}`, "latin1");
  return path === "/" ? "" : path;
}

function notDirectory(name: ByteName): Fault {
  return new Fault(
    "invalid_argument",
    `Cannot open directory "${toText(name)}": something on its way is not a directory`,
  );
}
