import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { compareDates, now } from "@slipway/fault/precise-date";
import type { Labels } from "../labels.ts";
import type { Mount } from "../mounts/mount.ts";
import type { SnapshotInfo, Snapshotter } from "./snapshots.ts";

interface Subject {
  /** Is given an empty folder for each test, and what is there already to open it again. */
  readonly open: (root: string) => Promise<Snapshotter>;
  /** Mounts; leaving the scope unmounts. */
  readonly mount: (mounts: readonly Mount[], target: string) => Disposable;
}

/** What every snapshotter does, after containerd's core/snapshots/testsuite. Mounts, so it needs root. */
export function snapshotterConformance(name: string, { open, mount }: Subject): void {
  describe(`${name} as a snapshotter`, () => {
    let root: string;
    let snapshotter: Snapshotter;
    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), "slipway-snapshots-"));
      mkdirSync(join(root, "target"));
      snapshotter = await open(join(root, "root"));
    });
    afterEach(async () => {
      await snapshotter[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    });

    /** Does something in the tree that the mounts show. */
    const inside = <T>(mounts: readonly Mount[], work: (tree: string) => T): T => {
      const tree = join(root, "target");
      using _mounted = mount(mounts, tree);
      return work(tree);
    };
    /** Commits a layer that `work` makes. */
    const layer = async (
      layerName: string,
      parent: string,
      work: (tree: string) => void = () => {},
    ): Promise<void> => {
      inside(await snapshotter.prepare(`${layerName}-active`, parent), work);
      await snapshotter.commit(layerName, `${layerName}-active`);
    };
    const names = async (...filters: string[]): Promise<string[]> => {
      const infos: SnapshotInfo[] = [];
      for await (const info of snapshotter.walk(filters)) infos.push(info);
      return infos.map((info) => info.name).sort();
    };

    it("stacks what layers add, change and delete", async () => {
      await layer("base", "", (tree) => {
        writeFileSync(join(tree, "foo"), "foo");
        mkdirSync(join(tree, "a/b"), { recursive: true });
      });
      await layer("next", "base", (tree) => {
        assert.equal(readFileSync(join(tree, "foo"), "utf8"), "foo");
        writeFileSync(join(tree, "foo"), "changed");
        writeFileSync(join(tree, "bar"), "bar");
        rmSync(join(tree, "a/b"), { recursive: true });
      });
      inside(await snapshotter.view("view", "next"), (tree) => {
        assert.equal(readFileSync(join(tree, "foo"), "utf8"), "changed");
        assert.equal(readFileSync(join(tree, "bar"), "utf8"), "bar");
        assert.equal(existsSync(join(tree, "a/b")), false);
        assert.throws(() => writeFileSync(join(tree, "x"), ""), { code: "EROFS" });
      });
      inside(await snapshotter.view("base-view", "base"), (tree) => {
        assert.equal(readFileSync(join(tree, "foo"), "utf8"), "foo");
        assert.ok(existsSync(join(tree, "a/b")));
        assert.throws(() => writeFileSync(join(tree, "x"), ""), { code: "EROFS" });
      });
    });

    it("keeps what is in an active snapshot, whose mounts stay the same", async () => {
      await layer("base", "");
      const mounts = await snapshotter.prepare("active", "base");
      inside(mounts, (tree) => {
        assert.equal(statSync(tree).mode & 0o7777, 0o755);
        writeFileSync(join(tree, "x"), "kept");
      });
      const again = await snapshotter.mounts("active");
      assert.deepEqual(again, mounts);
      assert.equal(
        inside(again, (tree) => readFileSync(join(tree, "x"), "utf8")),
        "kept",
      );
    });

    it("mounts a view without a parent as an empty tree", async () => {
      inside(await snapshotter.view("view", ""), (tree) => {
        assert.throws(() => writeFileSync(join(tree, "x"), ""), { code: "EROFS" });
      });
    });

    it("stacks 128 layers", async () => {
      for (let index = 0; index < 128; index += 1) {
        await layer(`layer-${index}`, index === 0 ? "" : `layer-${index - 1}`, (tree) => {
          writeFileSync(join(tree, `file-${index}`), String(index));
          writeFileSync(join(tree, "last"), String(index));
        });
      }
      inside(await snapshotter.view("view", "layer-127"), (tree) => {
        for (let index = 0; index < 128; index += 1) {
          assert.equal(readFileSync(join(tree, `file-${index}`), "utf8"), String(index));
        }
        assert.equal(readFileSync(join(tree, "last"), "utf8"), "127");
      });
    });

    it("tells the kind, parent, labels and times of each", async () => {
      const before = now();
      await layer("base", "");
      await snapshotter.prepare("active", "base", { labels: { a: "1" } });
      await snapshotter.view("view", "base");
      const shown = async (key: string): Promise<[string, string, Labels]> => {
        const { kind, parent, labels, createdAt, updatedAt } = await snapshotter.stat(key);
        assert.ok(compareDates(before, createdAt) <= 0 && compareDates(createdAt, now()) <= 0);
        assert.deepEqual(createdAt, updatedAt);
        return [kind, parent, labels];
      };
      assert.deepEqual(await shown("base"), ["committed", "", {}]);
      assert.deepEqual(await shown("active"), ["active", "base", { a: "1" }]);
      assert.deepEqual(await shown("view"), ["view", "base", {}]);
      await assert.rejects(snapshotter.stat("base-active"), {
        code: "not_found",
        message: "snapshot does not exist: not found",
      });
    });

    it("replaces labels at commit", async () => {
      await snapshotter.prepare("active", "", { labels: { a: "1" } });
      await snapshotter.commit("base", "active", { labels: { b: "2" } });
      assert.deepEqual((await snapshotter.stat("base")).labels, { b: "2" });
    });

    it("puts a snapshot without a parent on one at commit, and refuses another parent", async () => {
      await layer("base", "", (tree) => writeFileSync(join(tree, "x"), ""));
      inside(await snapshotter.prepare("apart", ""), (tree) => writeFileSync(join(tree, "y"), ""));
      await snapshotter.commit("top", "apart", { parent: "base" });
      assert.equal((await snapshotter.stat("top")).parent, "base");
      await assert.rejects(snapshotter.remove("base"), { code: "failed_precondition" });
      await snapshotter.prepare("active", "top");
      await assert.rejects(snapshotter.commit("x", "active", { parent: "base" }), {
        code: "invalid_argument",
        message: endsWith('cannot change parent of active snapshot "active" on commit: invalid argument'),
      });
    });

    it("updates labels, all or by name, and nothing else", async () => {
      await snapshotter.prepare("active", "", { labels: { a: "1", b: "2" } });
      const update = async (labels: Labels, ...paths: string[]): Promise<Labels> => {
        const updated = await snapshotter.update(
          { name: "active", labels },
          paths.length > 0 ? paths : undefined,
        );
        assert.deepEqual(await snapshotter.stat("active"), updated);
        return updated.labels;
      };
      assert.deepEqual(await update({ a: "new", c: "3" }, "labels.a"), { a: "new", b: "2" });
      assert.deepEqual(await update({ c: "3" }, "labels"), { c: "3" });
      assert.deepEqual(await update({ d: "4" }), { d: "4" });
      await assert.rejects(update({}, "parent"), {
        code: "invalid_argument",
        message: 'cannot update "parent" field on snapshot "active": invalid argument',
      });
      await assert.rejects(snapshotter.update({ name: "none", labels: {} }), { code: "not_found" });
    });

    it("refuses what cannot be, with containerd's words", async () => {
      await layer("base", "");
      await snapshotter.prepare("active", "base");
      await snapshotter.view("view", "base");
      const refused: [() => Promise<unknown>, string, string][] = [
        [() => snapshotter.prepare("active", "base"), "already_exists", "snapshot active: already exists"],
        [() => snapshotter.view("active", "base"), "already_exists", "snapshot active: already exists"],
        [() => snapshotter.prepare("x", "none"), "not_found", 'missing parent "none" bucket: not found'],
        [
          () => snapshotter.prepare("x", "active"),
          "invalid_argument",
          'parent "active" is not committed snapshot: invalid argument',
        ],
        [
          () => snapshotter.commit("base", "active"),
          "already_exists",
          "committed snapshot base: already exists",
        ],
        [
          () => snapshotter.commit("x", "view"),
          "failed_precondition",
          'snapshot "view" is not active: failed precondition',
        ],
        [() => snapshotter.commit("x", "none"), "not_found", "snapshot does not exist: not found"],
        [
          () => snapshotter.mounts("base"),
          "failed_precondition",
          "requested snapshot base not active or view: failed precondition",
        ],
        [() => snapshotter.mounts("none"), "not_found", "snapshot does not exist: not found"],
        [
          () => snapshotter.remove("base"),
          "failed_precondition",
          "cannot remove snapshot with child: failed precondition",
        ],
        [() => snapshotter.remove("none"), "not_found", "snapshot none: not found"],
        [() => snapshotter.usage("none"), "not_found", "snapshot does not exist: not found"],
      ];
      for (const [call, code, text] of refused) await assert.rejects(call, { code, message: endsWith(text) });
      assert.deepEqual(await names(), ["active", "base", "view"]);
    });

    it("removes from the top, and lets a key be used again", async () => {
      await layer("base", "");
      await layer("top", "base");
      await snapshotter.prepare("key", "top");
      await assert.rejects(snapshotter.remove("top"), { code: "failed_precondition" });
      await snapshotter.remove("key");
      await snapshotter.view("key", "top");
      await snapshotter.remove("key");
      await snapshotter.remove("top");
      await snapshotter.remove("base");
      await snapshotter.prepare("key", "");
      assert.deepEqual(await names(), ["key"]);
      await snapshotter.cleanup?.();
      inside(await snapshotter.mounts("key"), (tree) => writeFileSync(join(tree, "x"), ""));
    });

    it("counts what a snapshot takes itself", async () => {
      const bytes = 1 << 20;
      await layer("base", "", (tree) => writeFileSync(join(tree, "big"), Buffer.alloc(bytes, 1)));
      const base = await snapshotter.usage("base");
      assert.ok(base.sizeBytes >= bytes && base.sizeBytes < 2 * bytes);
      assert.equal(base.inodes, 2);
      inside(await snapshotter.prepare("active", "base"), (tree) => {
        writeFileSync(join(tree, "more"), Buffer.alloc(3 * bytes, 1));
      });
      assert.ok((await snapshotter.usage("active")).sizeBytes >= 3 * bytes);
      await snapshotter.view("view", "base");
      assert.deepEqual(await snapshotter.usage("view"), { sizeBytes: 0, inodes: 0 });
    });

    it("lists what filters ask for", async () => {
      const labels = { label: "1" };
      await layer("p", "");
      await snapshotter.prepare("a", "p");
      await snapshotter.prepare("labelled", "", { labels });
      await snapshotter.view("v", "p", { labels });
      assert.deepEqual(await names(), ["a", "labelled", "p", "v"]);
      assert.deepEqual(await names("kind==active"), ["a", "labelled"]);
      assert.deepEqual(await names("kind==committed"), ["p"]);
      assert.deepEqual(await names("parent==p"), ["a", "v"]);
      assert.deepEqual(await names("name==p", "name==a"), ["a", "p"]);
      assert.deepEqual(await names("kind==view,labels.label==1"), ["v"]);
      await assert.rejects(names("kind="), { code: "invalid_argument" });
    });

    it("finds everything again when it is opened again", async () => {
      await layer("base", "", (tree) => writeFileSync(join(tree, "x"), "kept"));
      await snapshotter.prepare("active", "base", { labels: { a: "1" } });
      const info = await snapshotter.stat("active");
      await snapshotter[Symbol.asyncDispose]();
      snapshotter = await open(join(root, "root"));
      assert.deepEqual(await snapshotter.stat("active"), info);
      assert.equal(
        inside(await snapshotter.mounts("active"), (tree) => readFileSync(join(tree, "x"), "utf8")),
        "kept",
      );
      await snapshotter.prepare("other", "base");
    });

    it("makes many at once", async () => {
      await layer("base", "");
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => snapshotter.prepare(`key-${index}`, "base")),
      );
      const outcomes = await Promise.allSettled(
        Array.from({ length: 5 }, () => snapshotter.prepare("same", "base")),
      );
      assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
      await snapshotter.cleanup?.();
      assert.equal((await names("kind==active")).length, 21);
      inside(await snapshotter.mounts("key-19"), (tree) => writeFileSync(join(tree, "x"), ""));
    });
  });
}

/** What failed is each snapshotter's to say; why is the same for all. */
function endsWith(text: string): RegExp {
  return new RegExp(`${RegExp.escape(text)}$`);
}
