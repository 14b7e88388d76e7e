import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { VolumeStore } from "./volumes.ts";

/** What every store of volumes promises. `open` gives an empty one, which is gone when its scope is left. */
export function volumeStoreConformance(
  name: string,
  open: () => { readonly store: VolumeStore } & Disposable,
): void {
  describe(`VolumeStore of ${name}`, () => {
    it("ensure creates a volume once, with the labels of its creation", async () => {
      using opened = open();
      const { store } = opened;
      const first = await store.ensure("data", { a: "1" });
      const second = await store.ensure("data", { a: "2", b: "3" });
      assert.deepEqual(second, first);
      assert.deepEqual([first.name, first.labels], ["data", { a: "1" }]);
      assert.deepEqual(await store.get("data"), first);
    });

    it("list is sorted, and empty at first", async () => {
      using opened = open();
      const { store } = opened;
      assert.deepEqual(await store.list(), []);
      for (const one of ["bb", "aa", "a.c"]) await store.ensure(one, {});
      assert.deepEqual(
        (await store.list()).map((volume) => volume.name),
        ["a.c", "aa", "bb"],
      );
    });

    it("ensure makes one volume for all who ask at once", async () => {
      using opened = open();
      const made = await Promise.all(Array.from({ length: 8 }, () => opened.store.ensure("one", { x: "y" })));
      assert.equal(new Set(made.map(({ mountpoint }) => mountpoint)).size, 1);
      assert.equal((await opened.store.list()).length, 1);
    });

    it("remove removes a volume, and fails for one that does not exist", async () => {
      using opened = open();
      const { store } = opened;
      await store.ensure("data", {});
      await store.remove("data");
      assert.deepEqual(await store.list(), []);
      await assert.rejects(store.get("data"), { code: "not_found" });
      await assert.rejects(store.remove("data"), { code: "not_found" });
    });

    it("refuses a name that could be a path", async () => {
      using opened = open();
      for (const wrong of [
        "",
        ".",
        "..",
        "a",
        "a/b",
        "../x",
        ".hidden",
        "-x",
        "a b",
        "ä1",
        "a\nb",
        "x".repeat(256),
      ]) {
        await assert.rejects(opened.store.ensure(wrong, {}), { code: "invalid_argument" }, wrong);
        await assert.rejects(opened.store.get(wrong), { code: "invalid_argument" }, wrong);
        await assert.rejects(opened.store.remove(wrong), { code: "invalid_argument" }, wrong);
      }
    });
  });
}
