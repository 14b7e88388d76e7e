import { after } from "node:test";
import { containerStoreConformance } from "@slipway/core/containers/conformance";
import { imageStoreConformance } from "@slipway/core/images/conformance";
import { leaseManagerConformance } from "@slipway/core/leases/conformance";
import { namespaceStoreConformance } from "@slipway/core/namespaces/conformance";
import { Fixture } from "./testing/fixture.ts";

const fixture = new Fixture();
after(async () => await fixture[Symbol.asyncDispose]());

imageStoreConformance("metadata", (scope) => fixture.metadata.scoped(scope));
containerStoreConformance("metadata", (scope) => fixture.metadata.scoped(scope));
leaseManagerConformance("metadata", (scope) => fixture.metadata.scoped(scope));
namespaceStoreConformance("metadata", () => fixture.metadata);
