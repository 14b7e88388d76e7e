import type { Container } from "@slipway/core/containers";
import { Fault } from "@slipway/fault/fault";
import type { RuntimeSpec } from "@slipway/oci/runtime-spec";

/** The container's runtime spec. @throws {Fault} `failed_precondition` when it has none */
export function specOf({ id, spec }: Container): RuntimeSpec {
  if (!spec) throw new Fault("failed_precondition", `Container "${id}" has no runtime spec`);
  return JSON.parse(Buffer.from(spec.value).toString()) as RuntimeSpec;
}
