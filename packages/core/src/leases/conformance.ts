import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { digestOf } from "@slipway/oci/digest";
import type { Scope, ScopedStores } from "../stores.ts";

/** What every lease manager does: containerd's core/metadata/leases_test.go. `scoped` is given fresh namespaces. */
export function leaseManagerConformance(name: string, scoped: (scope: Scope) => ScopedStores): void {
  describe(`LeaseManager: ${name}`, () => {
    it("creates, lists by filter and deletes", async () => {
      const { leases } = scoped({ namespace: "leases-create" });
      await leases.create({ id: "a/with/slashes", labels: { x: "1" } });
      await leases.create({ id: "b" });
      await assert.rejects(leases.create({ id: "b" }), {
        code: "already_exists",
        message: /lease "b": already exists/,
      });
      const ids = async (...filters: string[]): Promise<string[]> =>
        (await leases.list(filters)).map(({ id }) => id);
      assert.deepEqual(await ids(), ["a/with/slashes", "b"]);
      assert.deepEqual(await ids("labels.x==1"), ["a/with/slashes"]);
      assert.deepEqual(await ids("id==b"), ["b"]);
      await leases.delete("b");
      await assert.rejects(leases.delete("b"), { code: "not_found", message: /lease "b": not found/ });
      assert.deepEqual(await ids(), ["a/with/slashes"]);
    });

    it("keeps resources by lease, one of each once", async () => {
      const { leases } = scoped({ namespace: "leases-resources" });
      await leases.create({ id: "a" });
      await leases.create({ id: "a/content" });
      const digest = digestOf("x");
      const resources = [
        { type: "content", id: digest },
        { type: "ingests", id: "ref/1" },
        { type: "snapshots/overlayfs", id: "k/1" },
      ];
      for (const resource of [...resources, ...resources]) await leases.addResource("a", resource);
      assert.deepEqual(await leases.listResources("a"), resources);
      assert.deepEqual(await leases.listResources("a/content"), []);
      await leases.deleteResource("a", { type: "ingests", id: "ref/1" });
      assert.deepEqual(
        (await leases.listResources("a")).map(({ type }) => type),
        ["content", "snapshots/overlayfs"],
      );
      await leases.delete("a");
      await assert.rejects(leases.listResources("a"), {
        code: "not_found",
        message: /lease "a": not found/,
      });
    });

    it("refuses resources that cannot be", async () => {
      const { leases } = scoped({ namespace: "leases-invalid" });
      await leases.create({ id: "a" });
      const refused = async (type: string, id: string, code: string, message: RegExp): Promise<void> =>
        await assert.rejects(leases.addResource("a", { type, id }), { code, message });
      await refused("content", "abc", "invalid_argument", /invalid content resource id abc/);
      await refused("content/x", "abc", "invalid_argument", /invalid resource type content\/x/);
      await refused("snapshots", "abc", "invalid_argument", /invalid snapshot resource type snapshots/);
      await refused("tasks", "abc", "unimplemented", /resource type tasks not supported yet/);
    });
  });
}
