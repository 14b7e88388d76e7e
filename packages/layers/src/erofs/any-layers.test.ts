import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { mountImage } from "@slipway/linux/image-mount";
import { mount, unmountAll } from "@slipway/linux/mount";
import { getXattr, listXattrs } from "@slipway/linux/xattr";
import * as fc from "fast-check";
import { applyLayer } from "../apply/apply.ts";
import { memberOf } from "../testing/arbitrary.ts";
import { type DialectMember, makeDialectTar } from "../testing/dialects.ts";
import { root } from "./testing.ts";
import { unpackImage } from "./unpack-image.ts";

async function* bytesOf(tar: Buffer): AsyncGenerator<Uint8Array> {
  yield tar;
}

/**
 * Everything about a tree but what an overlay cannot keep: links across layers, and times of merged directories. It also
 * lists whiteouts of what was never there, as names that lead to nothing: those are left out.
 */
function list(tree: string): string[] {
  const found = fs.readdirSync(tree, { recursive: true, encoding: "utf8" }).toSorted();
  return found.flatMap((name) => {
    const path = join(tree, name);
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (!stat) return [];
    const time = stat.isDirectory() ? "" : stat.mtimeNs;
    const size = stat.isDirectory() ? "" : stat.size;
    const data = stat.isFile()
      ? fs.readFileSync(path, "base64")
      : stat.isSymbolicLink()
        ? fs.readlinkSync(path)
        : "";
    const xattrs = listXattrs(path)
      .toSorted()
      .map((key) => `${key}=${getXattr(path, key)?.toString("hex")}`);
    return [
      [name, stat.mode.toString(8), stat.uid, stat.gid, stat.rdev, size, time, ...xattrs, data].join(" "),
    ];
  });
}

describe("any layers upon each other", () => {
  const name = fc.constantFrom("a", "b", "c", "c/a", "c/b", "c/d", "c/d/a", "c/d/b", "e/a", "e");
  const whiteouts = [".wh.a", ".wh.c", ".wh.e", "c/.wh.a", "c/.wh.d", "c/.wh..wh..opq", "c/d/.wh..wh..opq"];
  const types = ["file", "file", "directory", "directory", "symlink", "link", "fifo", "character"] as const;
  const linkName = fc.constantFrom("a", "c/a", "c/d/a");
  const member = memberOf({ types, name, linkName, marks: false }).map((each): DialectMember => {
    // In a stack, the topmost says what a directory is like; upon each other, attributes of all add up.
    if (each.type === "directory") return { ...each, xattrs: new Map() };
    // Nothing leads through these.
    return each.type === "symlink" ? { ...each, linkName: `${each.linkName}/nowhere` } : each;
  });
  const whiteout = fc.constantFrom(...whiteouts).map((each): DialectMember => ({
    dialect: "pax",
    type: "file",
    name: each,
  }));
  // Layers name the directories that their files are in: what others get depends on what was read first.
  const withParents = (each: DialectMember): DialectMember[] =>
    ["c", "c/d", "e"]
      .filter((parent) => each.name.startsWith(`${parent}/`))
      .map((parent): DialectMember => ({
        dialect: "pax",
        type: "directory",
        name: parent,
        mode: 0o750,
        uid: 7,
      }))
      .concat(each);
  const layer = fc
    .array(fc.oneof({ weight: 3, arbitrary: member }, whiteout), { maxLength: 8 })
    .map((members) => members.flatMap(withParents));
  const layers = fc.array(layer, { minLength: 2, maxLength: 4 });

  /** Stacks the directories, the lowest first. */
  const stacked = (directories: readonly string[], undo: DisposableStack): string[] => {
    const [merged, bottom] = [fs.mkdtempSync(join(root, "merged-")), fs.mkdtempSync(join(root, "bottom-"))];
    const lower = [...directories.toReversed(), bottom].join(":");
    mount({ type: "overlay", source: "overlay", options: [`lowerdir=${lower}`, "index=off"] }, merged);
    undo.defer(() => unmountAll(merged));
    return list(merged);
  };

  it("show the tree that they make one after the other, as images and as directories", async () => {
    let compared = 0;
    const property = fc.asyncProperty(layers, async (stack) => {
      const tars = stack.map(makeDialectTar);
      using undo = new DisposableStack();
      const folder = fs.mkdtempSync(join(root, "run-"));
      const made = (path: string): string => (fs.mkdirSync(join(folder, path)), join(folder, path));
      const whole = made("whole");
      const [images, directories]: [string[], string[]] = [[], []];
      try {
        for (const tar of tars) await applyLayer(bytesOf(tar), whole, { whiteouts: "delete" });
        for (const [index, tar] of tars.entries()) {
          const directory = made(`directory-${index}`);
          await applyLayer(bytesOf(tar), directory, {
            whiteouts: "overlay",
            parents: directories.toReversed(),
          });
          directories.push(directory);
          const [tree, image] = [made(`image-${index}`), join(folder, `${index}.erofs`)];
          await unpackImage(bytesOf(tar), image, { root: tree, parents: images.toReversed() });
          mountImage(image, tree);
          undo.defer(() => unmountAll(tree));
          images.push(tree);
        }
      } catch {
        // What one of them refuses is nothing to compare.
        return;
      }
      const expected = list(whole);
      assert.deepEqual(stacked(directories, undo), expected);
      assert.deepEqual(stacked(images, undo), expected);
      compared += 1;
    });
    const numRuns = Number(process.env["EROFS_RUNS"] ?? 25);
    await fc.assert(property, { numRuns });
    assert.ok(compared > numRuns / 10, `${compared} of ${numRuns} were compared`);
  });
});
