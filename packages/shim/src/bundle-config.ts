import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseJson } from "@slipway/oci/documents/json-field";

/** What the shim needs to know of a bundle's config.json. */
export interface BundleConfig {
  /** Without a pid namespace of its own, processes survive the init. */
  readonly hasPidNamespace: boolean;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A client writes it, in a message of 16 MiB at most. @throws {Fault} `invalid_argument` naming the field that is wrong */
export function readBundleConfig(bundle: string): BundleConfig {
  const path = join(bundle, "config.json");
  const spec = parseJson(`"${path}"`, readFileSync(path), { maxBytes: maxSpecBytes });
  const hasPidNamespace = spec
    .get("linux")
    .get("namespaces")
    .list((one) => one.get("type").text() === "pid" && !one.get("path").text())
    .includes(true);
  return { hasPidNamespace, annotations: spec.get("annotations").textRecord() };
}

const maxSpecBytes = 16 * 1024 * 1024;
