import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { mountAll } from "@slipway/linux/mount";
import * as fc from "fast-check";
import { applyLayer } from "../apply/apply.ts";
import { listTree, makeTree, shell } from "../testing/trees.ts";
import { writeDiff, type WriteDiffOptions } from "./write-diff.ts";

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "slipway-layers-"));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const names = ["a", "b", "a/a", "a/b", "b/a", "a/a/a", "a/a/b", "a-", "a.b"];
const path = fc.constantFrom(...names);
const step = fc.oneof(
  fc.record({ act: fc.constant("directory" as const), path, mode: fc.constantFrom(0o755, 0o700) }),
  fc.record({
    act: fc.constant("file" as const),
    path,
    text: fc.constantFrom("", "x", "yy", "z".repeat(700)),
  }),
  fc.record({ act: fc.constant("symlink" as const), path, to: path }),
  fc.record({ act: fc.constant("link" as const), path, to: path }),
  fc.record({ act: fc.constant("remove" as const), path }),
  fc.record({ act: fc.constant("mode" as const), path, mode: fc.constantFrom(0o600, 0o4755) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const steps = fc.array(step, { maxLength: 12 });

/** Does what is possible, and gives what it touches a time of its own in whole seconds, as layers have. */
function perform(tree: string, list: readonly Step[], start: number): void {
  for (const [index, each] of list.entries()) {
    const target = join(tree, each.path);
    try {
      if (each.act === "remove") fs.rmSync(target, { recursive: true });
      else if (each.act === "mode") fs.chmodSync(target, each.mode);
      else {
        if (!(each.act === "directory" && fs.existsSync(target)))
          fs.rmSync(target, { recursive: true, force: true });
        if (each.act === "directory") fs.mkdirSync(target, { mode: each.mode, recursive: true });
        else if (each.act === "file") fs.writeFileSync(target, each.text);
        else if (each.act === "symlink") fs.symlinkSync(each.to, target);
        else fs.linkSync(join(tree, each.to), target);
      }
      fs.lutimesSync(target, start + index, start + index);
    } catch {
      // Not every step is possible everywhere.
    }
    if (fs.existsSync(dirname(target))) fs.lutimesSync(dirname(target), start + index, start + index);
  }
}

function diff(options: WriteDiffOptions): Buffer {
  return Buffer.concat([...writeDiff(options)]);
}

/** A new time is no change of a directory: whatever happens in it sets one. */
function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/( d \d+ \d+ \d+) [\d.]+$/, "$1"));
}

/** A new directory, empty. */
function tree(name: string): string {
  const at = join(root, name);
  fs.rmSync(at, { recursive: true, force: true });
  fs.mkdirSync(at);
  return at;
}

describe("writeDiff", () => {
  it("makes a layer that turns one tree into the other", async () => {
    await fc.assert(
      fc.asyncProperty(steps, steps, async (before, after) => {
        const [lower, upper, applied] = [tree("lower"), tree("upper"), tree("applied")];
        perform(lower, before, 1_000_000_000);
        shell(`cp -a ${lower}/. ${upper}; cp -a ${lower}/. ${applied}`, root);
        perform(upper, after, 1_100_000_000);
        await applyLayer([diff({ lower, upper })] as unknown as AsyncIterable<Uint8Array>, applied, {
          whiteouts: "delete",
        });
        assert.deepEqual(withoutTimes(listTree(applied)), withoutTimes(listTree(upper)));
        assert.equal(diff({ lower: upper, upper }).length, 1024, "no difference, no entries");
      }),
      { numRuns: 60 },
    );
  });

  it("makes the same layer of an overlay's upper directory as of the mounted tree", async () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const [lower, upper, work, merged] = [tree("lower"), tree("upper"), tree("work"), tree("merged")];
        perform(lower, before, 1_000_000_000);
        const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, "index=off"];
        using _mounted = mountAll([{ type: "overlay", source: "overlay", options }], merged);
        perform(merged, after, 1_100_000_000);
        assert.deepEqual(diff({ lower, upper, isOverlay: true }), diff({ lower, upper: merged }));
      }),
      { numRuns: 60 },
    );
  });

  it("makes a layer of everything when there is nothing below", async () => {
    const upper = makeTree(join(root, "from"));
    const ours = tree("ours");
    shell("setfattr -x user.note a/random; setfattr -x user.empty a/random; setfattr -x user.dir a/b", upper);
    shell("find . -exec touch -hd '2020-02-02 02:02:02' {} +", upper);
    await applyLayer([diff({ upper })] as unknown as AsyncIterable<Uint8Array>, ours, {
      whiteouts: "overlay",
    });
    assert.deepEqual(listTree(ours), listTree(upper));
  });

  it("sets later times back to the source's", () => {
    const upper = tree("upper");
    fs.writeFileSync(join(upper, "new"), "");
    fs.writeFileSync(join(upper, "old"), "");
    shell("touch -d @1000 old", upper);
    fs.writeFileSync(join(root, "tar"), diff({ upper, latestNs: 2_000_000_000_000n }));
    const listing = shell("TZ=UTC tar -tvf tar --full-time", root).toString();
    assert.match(listing, /1970-01-01 00:33:20 new\n.*1970-01-01 00:16:40 old\n/);
  });
});
