import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Any } from "../any.ts";
import type { Scope, ScopedStores } from "../stores.ts";
import type { NewContainer } from "./containers.ts";

const any = (text: string): Any => ({ typeUrl: `slipway.dev/${text}`, value: Buffer.from(text) });
const container = (id: string, changes: Partial<NewContainer> = {}): NewContainer => ({
  id,
  labels: {},
  image: "",
  runtime: { name: "io.containerd.runc.v2" },
  spec: any("spec"),
  snapshotter: "",
  snapshotKey: "",
  extensions: {},
  sandboxId: "",
  ...changes,
});
/** Bytes come back as whichever of the byte arrays. */
const text = ({ typeUrl, value }: Any): [string, string] => [typeUrl, Buffer.from(value).toString()];

/** What every container store does: containerd's core/metadata/containers_test.go. `scoped` is given fresh namespaces. */
export function containerStoreConformance(name: string, scoped: (scope: Scope) => ScopedStores): void {
  describe(`ContainerStore: ${name}`, () => {
    it("gives back what was created", async () => {
      const { containers } = scoped({ namespace: "containers-create" });
      const options = any("options");
      await containers.create(
        container("a", {
          labels: { x: "1" },
          image: "img",
          runtime: { name: "r", options },
          snapshotter: "overlayfs",
          snapshotKey: "k",
          extensions: { ext: any("ext") },
        }),
      );
      const found = await containers.get("a");
      assert.deepEqual(found.labels, { x: "1" });
      assert.equal(found.image, "img");
      assert.equal(found.runtime.name, "r");
      assert.deepEqual(found.runtime.options && text(found.runtime.options), text(options));
      assert.deepEqual(found.spec && text(found.spec), text(any("spec")));
      assert.deepEqual(Object.values(found.extensions).map(text), [text(any("ext"))]);
      assert.deepEqual([found.snapshotter, found.snapshotKey], ["overlayfs", "k"]);
    });

    it("refuses a second one of the id, but not in another namespace", async () => {
      const { containers } = scoped({ namespace: "containers-twice" });
      await containers.create(container("a"));
      await assert.rejects(containers.create(container("a")), {
        code: "already_exists",
        message: /container "a": already exists/,
      });
      await scoped({ namespace: "containers-twice-2" }).containers.create(container("a"));
    });

    it("refuses what is not a container", async () => {
      const { containers } = scoped({ namespace: "containers-invalid" });
      const { spec: _, ...withoutSpec } = container("a");
      const wrong: [NewContainer, RegExp][] = [
        [container("a/b"), /container.ID: identifier "a\/b" must match/],
        [container("a", { runtime: { name: "" } }), /container.Runtime.Name must be set/],
        [withoutSpec, /container.Spec must be set/],
        [container("a", { snapshotKey: "k" }), /container.Snapshotter must be set/],
        [
          container("a", { extensions: { "": any("x") } }),
          /container.Extension keys must not be zero-length/,
        ],
      ];
      for (const [given, message] of wrong) {
        await assert.rejects(containers.create(given), { code: "invalid_argument", message });
      }
    });

    it("says which container is not there", async () => {
      const { containers } = scoped({ namespace: "containers-missing" });
      await containers.create(container("other"));
      await assert.rejects(containers.get("a"), {
        code: "not_found",
        message: /container "a" in namespace "containers-missing": not found/,
      });
      await assert.rejects(containers.update(container("a")), {
        code: "not_found",
        message: /container "a": not found/,
      });
      await assert.rejects(containers.delete("a"), {
        code: "not_found",
        message: /container a: not found/,
      });
    });

    it("lists what matches any filter", async () => {
      const { containers } = scoped({ namespace: "containers-list" });
      for (const id of ["c", "a", "b"]) {
        await containers.create(container(id, { image: `img-${id}`, labels: { "com.example/kind": id } }));
      }
      const ids = async (...filters: string[]): Promise<string[]> =>
        (await containers.list(filters)).map(({ id }) => id);
      assert.deepEqual(await ids(), ["a", "b", "c"]);
      assert.deepEqual(await ids("id==a", 'labels."com.example/kind"==c'), ["a", "c"]);
      assert.deepEqual(await ids("image==img-b,runtime.name==io.containerd.runc.v2"), ["b"]);
    });

    it("updates what the field paths name", async () => {
      const { containers } = scoped({ namespace: "containers-update" });
      await containers.create(container("a", { labels: { x: "1", y: "1" }, image: "old" }));
      const changed = container("a", {
        labels: { x: "2" },
        image: "new",
        spec: any("other"),
        extensions: { e: any("e") },
      });
      const masked = await containers.update(changed, ["labels.x", "image"]);
      assert.deepEqual([masked.labels, masked.image], [{ x: "2", y: "1" }, "new"]);
      assert.deepEqual(masked.spec && text(masked.spec), text(any("spec")));
      const extended = await containers.update(changed, ["extensions.e", "spec"]);
      assert.deepEqual(extended.extensions["e"] && text(extended.extensions["e"]), text(any("e")));
      assert.deepEqual(extended.spec && text(extended.spec), text(any("other")));
      assert.deepEqual((await containers.update(changed)).labels, { x: "2" });
      await assert.rejects(containers.update(changed, ["runtime"]), {
        code: "invalid_argument",
        message: /cannot update "runtime" field on "a"/,
      });
    });

    it("does not change snapshotter and runtime", async () => {
      const { containers } = scoped({ namespace: "containers-immutable" });
      await containers.create(container("a"));
      await assert.rejects(containers.update(container("a", { snapshotter: "x" })), {
        code: "invalid_argument",
        message: /container.Snapshotter field is immutable/,
      });
      await assert.rejects(containers.update(container("a", { runtime: { name: "x" } })), {
        code: "invalid_argument",
        message: /container.Runtime.Name field is immutable/,
      });
    });
  });
}
