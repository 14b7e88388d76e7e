import type { Any } from "@slipway/core/any";
import type { Container } from "@slipway/core/containers";
import { Fault } from "@slipway/fault/fault";
import type { ProcessSpec, RuntimeSpec } from "@slipway/oci/runtime-spec";
import { formatSpecJson, parseSpecJson } from "@slipway/oci/spec-json";

const types = "types.containerd.io/opencontainers/runtime-spec/1";

/** The container's runtime spec. @throws {Fault} `failed_precondition` when it has none */
export function specOf({ id, spec }: Pick<Container, "id" | "spec">): RuntimeSpec {
  if (!spec) throw new Fault("failed_precondition", `Container "${id}" has no runtime spec`);
  return parseSpecJson(Buffer.from(spec.value).toString()) as RuntimeSpec;
}

/** A runtime spec, or the spec of a process, as containerd's API has it: JSON, under the name of its Go type. */
export function specAny(kind: "Spec", spec: RuntimeSpec): Any;
export function specAny(kind: "Process", spec: ProcessSpec): Any;
export function specAny(kind: string, spec: object): Any {
  return { typeUrl: `${types}/${kind}`, value: Buffer.from(formatSpecJson(spec)) };
}
