import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { digestOf } from "@slipway/oci/digest";
import type { Scope, ScopedStores } from "../stores.ts";
import type { NewImage } from "./images.ts";

const target = (text: string): NewImage["target"] => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: digestOf(text),
  size: text.length,
  annotations: { origin: text },
});
const image = (name: string, labels: Record<string, string> = {}): NewImage => ({
  name,
  labels,
  target: target(name),
});

/** What every image store does: containerd's core/metadata/images_test.go. `scoped` is given fresh namespaces. */
export function imageStoreConformance(name: string, scoped: (scope: Scope) => ScopedStores): void {
  describe(`ImageStore: ${name}`, () => {
    it("gives back what was created", async () => {
      const { images } = scoped({ namespace: "images-create" });
      const created = await images.create(image("a/b:1", { x: "1", empty: "" }));
      assert.deepEqual(created.labels, { x: "1" });
      assert.deepEqual(created.createdAt, created.updatedAt);
      const { createdAt: _c, updatedAt: _u, ...rest } = await images.get("a/b:1");
      assert.deepEqual(rest, { name: "a/b:1", labels: { x: "1" }, target: target("a/b:1") });
    });

    it("refuses a second one of the name, but not in another namespace", async () => {
      const { images } = scoped({ namespace: "images-twice" });
      await images.create(image("a"));
      await assert.rejects(images.create(image("a")), {
        code: "already_exists",
        message: /image "a": already exists/,
      });
      await scoped({ namespace: "images-twice-2" }).images.create(image("a"));
    });

    it("refuses what is not an image", async () => {
      const { images } = scoped({ namespace: "images-invalid" });
      const wrong: [NewImage, RegExp][] = [
        [{ ...image("a"), target: { ...target("a"), size: 0 } }, /[Tt]arget.Size must be greater than zero/],
        [{ ...image("a"), target: { ...target("a"), mediaType: "" } }, /[Tt]arget.MediaType must be set/],
        [
          image("a", { big: "x".repeat(4096) }),
          /label key and value.* greater than maximum size \(4096 bytes\), key: big/,
        ],
      ];
      for (const [given, message] of wrong) {
        await assert.rejects(images.create(given), { code: "invalid_argument", message });
      }
      assert.deepEqual(await images.list(), []);
    });

    it("says which image is not there", async () => {
      const { images } = scoped({ namespace: "images-missing" });
      const missing = { code: "not_found", message: /image "a": not found/ };
      await assert.rejects(images.get("a"), missing);
      await assert.rejects(images.update(image("a")), missing);
      await assert.rejects(images.delete("a"), missing);
    });

    it("lists by name what matches any filter", async () => {
      const { images } = scoped({ namespace: "images-list" });
      for (const name of ["c", "a", "b"]) await images.create(image(name, { kind: name }));
      const names = async (...filters: string[]): Promise<string[]> =>
        (await images.list(filters)).map((found) => found.name);
      assert.deepEqual(await names(), ["a", "b", "c"]);
      assert.deepEqual(await names("labels.kind==a", "name==c"), ["a", "c"]);
      assert.deepEqual(await names(`target.digest==${target("b").digest}`), ["b"]);
      assert.deepEqual(await names("name~=/[bc]/,labels.kind!=c"), ["b"]);
      await assert.rejects(names("name=="), { code: "invalid_argument" });
    });

    it("updates what the field paths name", async () => {
      const { images } = scoped({ namespace: "images-update" });
      const created = await images.create(image("a", { keep: "1", change: "1", drop: "1" }));
      const changed = { ...image("a", { change: "2" }), target: target("changed") };
      const masked = await images.update(changed, ["labels.change", "labels.drop"]);
      assert.deepEqual(masked.labels, { keep: "1", change: "2" });
      assert.deepEqual(masked.target, target("a"));
      assert.deepEqual(masked.createdAt, created.createdAt);
      const retargeted = await images.update(changed, ["target"]);
      assert.deepEqual(retargeted.target, target("changed"));
      assert.deepEqual(retargeted.labels, { keep: "1", change: "2" });
      const replaced = await images.update(image("a"));
      assert.deepEqual(replaced.labels, {});
      assert.deepEqual(await images.get("a"), replaced);
      await assert.rejects(images.update(changed, ["created_at"]), {
        code: "invalid_argument",
        message: /cannot update "created_at" field on image "a"/,
      });
    });

    it("deletes one, and with a target only while it points there", async () => {
      const { images } = scoped({ namespace: "images-delete" });
      await images.create(image("a"));
      await images.create(image("b"));
      await images.delete("a", { target: target("a") });
      assert.deepEqual(
        (await images.list()).map((found) => found.name),
        ["b"],
      );
    });
  });
}
