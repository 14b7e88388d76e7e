import { after, before, describe } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { containerStoreConformance } from "@slipway/core/containers/conformance";
import { contentConformance } from "@slipway/core/content/conformance";
import { imageStoreConformance } from "@slipway/core/images/conformance";
import { leaseManagerConformance } from "@slipway/core/leases/conformance";
import { namespaceStoreConformance } from "@slipway/core/namespaces/conformance";
import { type Program, TestDaemon } from "../support/daemon.ts";

/*
 * The suites of the stores, over the wire: what slipwayd's stores do is what containerd's do.
 */
for (const program of ["slipwayd", "containerd"] satisfies Program[]) {
  describe(program, () => {
    let daemon: TestDaemon;
    let client: Client;
    before(async () => {
      daemon = await TestDaemon.start(program);
      client = connect({ address: daemon.address });
    });
    after(async () => {
      await client[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
    });

    imageStoreConformance(program, ({ namespace }) => client.inNamespace(namespace));
    containerStoreConformance(program, ({ namespace }) => client.inNamespace(namespace));
    leaseManagerConformance(program, ({ namespace }) => client.inNamespace(namespace));
    namespaceStoreConformance(program, () => ({
      namespaces: client.namespaces,
      scoped: ({ namespace }) => client.inNamespace(namespace),
    }));
    let namespaces = 0;
    contentConformance(program, async () => {
      const namespaced = client.inNamespace(`content-${namespaces++}`);
      // The collector may come by at any time.
      const { id } = await namespaced.leases.create();
      return namespaced.withLease(id).content;
    });
  });
}
