import type { Any } from "@slipway/core/any";
import type { JsonField } from "@slipway/oci/documents/json-field";
import { parseSpecField } from "@slipway/oci/documents/runtime-spec";

/** A container's runtime spec, and what the daemon itself must know of it. */
export interface BundleSpec {
  readonly json: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
  /** The host's group that is root in the container's user namespace; 0 without one. */
  readonly rootGid: number;
  /** Of its root file system, as it is written there. */
  readonly rootPath: string;
}

/** @throws {Fault} `invalid_argument` when a field that is needed is not what it must be */
export function parseSpec({ value }: Any): BundleSpec {
  const spec = parseSpecField("runtime spec", value);
  const id = (mapping: JsonField, name: string): number =>
    mapping.get(name).integer({ min: 0, max: maxId }) ?? 0;
  const mappings = spec
    .get("linux")
    .get("gidMappings")
    .list((mapping) => ({ inside: id(mapping, "containerID"), outside: id(mapping, "hostID") }));
  const rootGid = mappings.find(({ inside }) => inside === 0)?.outside ?? 0;
  const rootPath = spec.get("root").get("path").text() ?? "";
  return { json: value, annotations: spec.get("annotations").textRecord(), rootGid, rootPath };
}

const maxId = 2 ** 32 - 1;
