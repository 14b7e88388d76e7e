import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { digestOf } from "@slipway/oci/digest";
import type { MetadataStores } from "../stores.ts";

/** What every namespace store does: containerd's core/metadata/namespaces_test.go. */
export function namespaceStoreConformance(
  name: string,
  open: () => Pick<MetadataStores, "namespaces" | "scoped">,
): void {
  describe(`NamespaceStore: ${name}`, () => {
    it("creates, lists and deletes", async () => {
      const { namespaces } = open();
      await namespaces.create({ name: "ns-create", labels: { x: "1" } });
      await assert.rejects(namespaces.create({ name: "ns-create", labels: {} }), {
        code: "already_exists",
        message: /namespace "ns-create": already exists/,
      });
      const found = (await namespaces.list()).find((namespace) => namespace.name === "ns-create");
      assert.deepEqual(found, { name: "ns-create", labels: { x: "1" } });
      await namespaces.delete("ns-create");
      await assert.rejects(namespaces.delete("ns-create"), {
        code: "not_found",
        message: /namespace "ns-create": not found/,
      });
    });

    it("refuses a name that is no identifier", async () => {
      await assert.rejects(open().namespaces.create({ name: "a/b", labels: {} }), {
        code: "invalid_argument",
      });
    });

    it("has no labels for a namespace that does not exist", async () => {
      assert.deepEqual((await open().namespaces.get("ns-missing")).labels, {});
    });

    it("updates labels by name, or all of them", async () => {
      const { namespaces } = open();
      await namespaces.create({ name: "ns-update", labels: { x: "1", y: "1", z: "1" } });
      await namespaces.update({ name: "ns-update", labels: { x: "2" } }, ["labels.x", "labels.y"]);
      assert.deepEqual((await namespaces.get("ns-update")).labels, { x: "2", z: "1" });
      await namespaces.update({ name: "ns-update", labels: { only: "1" } });
      assert.deepEqual((await namespaces.get("ns-update")).labels, { only: "1" });
      await assert.rejects(namespaces.update({ name: "ns-update", labels: {} }, ["name"]), {
        code: "invalid_argument",
        message: /cannot update "name" field/,
      });
    });

    it("makes a namespace with its first object, and keeps it while it has any", async () => {
      const stores = open();
      const { namespaces } = stores;
      const { images, leases } = stores.scoped({ namespace: "ns-full" });
      const target = { mediaType: "x/y", digest: digestOf("x"), size: 1 };
      await images.create({ name: "i", labels: {}, target });
      assert.ok((await namespaces.list()).some((namespace) => namespace.name === "ns-full"));
      await assert.rejects(namespaces.delete("ns-full"), {
        code: "failed_precondition",
        message: /namespace "ns-full" must be empty, but it still has images/,
      });
      await images.delete("i");
      await leases.create({ id: "goes along" });
      await namespaces.delete("ns-full");
      assert.deepEqual(await leases.list(), []);
    });
  });
}
