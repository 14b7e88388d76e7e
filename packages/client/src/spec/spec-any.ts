import type { Any } from "@slipway/core/any";
import type { Container } from "@slipway/core/containers";
import { Fault } from "@slipway/fault/fault";
import type { ProcessSpec, RuntimeSpec } from "@slipway/oci/runtime-spec";
import type { JsonField } from "@slipway/oci/documents/json-field";
import { parseRuntimeSpec, parseSpecField, type StoredSpec } from "@slipway/oci/documents/runtime-spec";
import { formatSpecJson } from "@slipway/oci/spec-json";

const types = "types.containerd.io/opencontainers/runtime-spec/1";

/**
 * The container's runtime spec, which may be any client's.
 * @throws {Fault} `failed_precondition` when it has none, `invalid_argument` when a field is not what it must be
 */
export function specOf({ id, spec }: Pick<Container, "id" | "spec">): StoredSpec {
  if (!spec) throw new Fault("failed_precondition", `Container "${id}" has no runtime spec`);
  return parseRuntimeSpec(documentOf(id), spec.value);
}

/** As specOf(), for whoever needs but a few fields. */
export function specFieldOf({ id, spec }: Pick<Container, "id" | "spec">): JsonField {
  if (!spec) throw new Fault("failed_precondition", `Container "${id}" has no runtime spec`);
  return parseSpecField(documentOf(id), spec.value);
}

function documentOf(id: string): string {
  return `runtime spec of container "${id}"`;
}

/** A runtime spec, or the spec of a process, as containerd's API has it: JSON, under the name of its Go type. */
export function specAny(kind: "Spec", spec: RuntimeSpec): Any;
export function specAny(kind: "Process", spec: ProcessSpec): Any;
export function specAny(kind: string, spec: object): Any {
  return { typeUrl: `${types}/${kind}`, value: Buffer.from(formatSpecJson(spec)) };
}
