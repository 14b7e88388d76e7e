import { Fault } from "@slipway/fault/fault";
import { cleanName, splitName } from "../apply/rooted-tree.ts";
import { joinName } from "../apply/whiteouts.ts";
import { type ByteName, toText } from "../bytes-name.ts";
import { type DirectoryNode, type LayerNode, newDirectory, newRoot } from "./nodes.ts";

// As many as the kernel follows in one path.
const maxLinks = 40;

/**
 * A directory tree in memory, in which names mean what they mean in a RootedTree: symlinks on the way are followed, and
 * stay inside of the root.
 */
export class NodeTree {
  readonly root = newRoot();
  readonly #known = new Map<ByteName, DirectoryNode>();
  // Most names are of the directory that the one before is of.
  #lastName = "";
  #last = this.root;
  readonly #onCreated: (directory: DirectoryNode, path: ByteName) => void;

  /** `onCreated` hears of directories that were missing and were made with mode 0755. */
  constructor(onCreated: (directory: DirectoryNode, path: ByteName) => void = () => {}) {
    this.#onCreated = onCreated;
  }

  /** The directory `name`, made with those on its way when missing. @throws {Fault} `invalid_argument` when something else is there */
  directory(name: ByteName): DirectoryNode {
    if (name === "") return this.root;
    const known = this.#known.get(name);
    if (known) return known;
    const found = this.#childOfKnown(name) ?? this.#findOrCreate(name, maxLinks);
    this.#known.set(name, found);
    return found;
  }

  /** The directory that `name` is in, as directory(). */
  parentOf(name: ByteName): DirectoryNode {
    const length = Math.max(0, name.lastIndexOf("/"));
    if (length !== this.#lastName.length || !name.startsWith(this.#lastName)) {
      const parent = name.slice(0, length);
      this.#last = this.directory(parent);
      this.#lastName = parent;
    }
    return this.#last;
  }

  /** Whether a symlink is on the way to the directory `name`, or is what has that name. */
  hasSymlink(name: ByteName): boolean {
    let at: LayerNode | undefined = this.root;
    for (const part of name.split("/")) {
      at = at?.type === "directory" ? at.children.get(part) : undefined;
      if (at?.type === "symlink") return true;
    }
    return false;
  }

  /** Takes the name away from what is there. */
  remove(directory: DirectoryNode, name: ByteName): void {
    const node = directory.children.get(name);
    if (!node) return;
    directory.children.delete(name);
    unlink(node);
    // Names that went through it lead elsewhere now.
    if (node.type === "directory" || node.type === "symlink") this.#forget();
  }

  #forget(): void {
    this.#known.clear();
    this.#lastName = "";
    this.#last = this.root;
  }

  /** Without a walk from the root: nothing unless its parent is known, and it is there. */
  #childOfKnown(name: ByteName): DirectoryNode | undefined {
    const [parentName, base] = splitName(name);
    const parent = parentName === "" ? this.root : this.#known.get(parentName);
    const child = base === "." || base === ".." ? undefined : parent?.children.get(base);
    return child?.type === "directory" ? child : undefined;
  }

  #findOrCreate(name: ByteName, linksLeft: number): DirectoryNode {
    if (name === "") return this.root;
    const found = this.#walk(name);
    if (found) return found;
    const [parentName, base] = splitName(name);
    const parent = this.#findOrCreate(parentName, linksLeft);
    const there = parent.children.get(base);
    // It is there and yet leads nowhere: a symlink to nothing, whose target is to be made.
    if (there?.type === "symlink") {
      if (linksLeft === 0) throw tooManyLinks(name);
      return this.#findOrCreate(targetName(parent, there.target), linksLeft - 1);
    }
    const created = newDirectory(parent);
    parent.children.set(base, created);
    this.#onCreated(created, joinName(parentName, base));
    return created;
  }

  /** What the kernel would find; nothing when there is nothing. */
  #walk(name: ByteName): DirectoryNode | undefined {
    let at = this.root;
    let links = 0;
    const left = name.split("/").toReversed();
    for (let part = left.pop(); part !== undefined; part = left.pop()) {
      if (part === "" || part === ".") continue;
      const next: LayerNode | undefined = part === ".." ? at.parent : at.children.get(part);
      if (!next) return undefined;
      if (next.type === "directory") at = next;
      else if (next.type === "symlink") {
        links += 1;
        if (links > maxLinks) throw tooManyLinks(name);
        if (next.target.startsWith("/")) at = this.root;
        left.push(...next.target.split("/").toReversed());
      } else throw notDirectory(name);
    }
    return at;
  }
}

// A stack of its own: nobody bounds how deep a tree is.
function unlink(top: LayerNode): void {
  const left = [top];
  for (let node = left.pop(); node; node = left.pop()) {
    node.links -= 1;
    if (node.type === "directory") for (const child of node.children.values()) left.push(child);
  }
}

function targetName(parent: DirectoryNode, target: ByteName): ByteName {
  return cleanName(target.startsWith("/") ? target : `${pathOf(parent)}/${target}`);
}

function pathOf(directory: DirectoryNode): ByteName {
  const parts: ByteName[] = [];
  for (let node = directory; node.parent !== node; node = node.parent) {
    const child = node;
    for (const [name, sibling] of node.parent.children) if (sibling === child) parts.push(name);
  }
  return parts.toReversed().join("/");
}

function tooManyLinks(name: ByteName): Fault {
  return new Fault("invalid_argument", `Cannot open "${toText(name)}": too many symlinks`);
}

function notDirectory(name: ByteName): Fault {
  return new Fault(
    "invalid_argument",
    `Cannot open directory "${toText(name)}": something on its way is not a directory`,
  );
}
