import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Any } from "@bufbuild/protobuf/wkt";
import { type Options, OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { Fault } from "@slipway/fault/fault";
import { type JsonField, parseJson } from "@slipway/oci/documents/json-field";
import { readMessage } from "@slipway/rpc/read-message";

/** How the container's runtime is to be called: kept in the bundle for a `delete` after the shim's death. */
export interface RuntimeRecord {
  readonly binary: string;
  readonly root: string;
  readonly systemdCgroup: boolean;
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
  readonly criuWorkPath: string;
  /** Whose the pipes are that the container's processes get. */
  readonly ioOwner?: IoOwner;
}

export interface IoOwner {
  readonly uid: number;
  readonly gid: number;
}

const RECORD = "slipway-runtime.json";

/** Where runc keeps its state unless told: containerd's own place, so that each finds the other's containers. */
export const DEFAULT_RUNTIME_ROOT = "/run/containerd/runc";

/** A runtime's options, as they are in a request. */
export type RuntimeOptions = Pick<Any, "typeUrl" | "value"> | undefined;

export function runtimeRecord(
  options: RuntimeOptions,
  namespace: string,
  defaultRoot: string,
): RuntimeRecord {
  const runc = runcOptions(options);
  if (runc && (runc.taskApiAddress !== "" || runc.taskApiVersion !== 0)) {
    throw new Fault("unimplemented", "the task API of another shim (task_api_address) is not supported");
  }
  const ioOwner = { uid: runc?.ioUid ?? 0, gid: runc?.ioGid ?? 0 };
  return {
    binary: runc?.binaryName || "runc",
    root: join(runc?.root || defaultRoot, namespace),
    systemdCgroup: runc?.systemdCgroup ?? false,
    noPivotRoot: runc?.noPivotRoot ?? false,
    noNewKeyring: runc?.noNewKeyring ?? false,
    criuWorkPath: runc?.criuWorkPath ?? "",
    ...(ioOwner.uid === 0 && ioOwner.gid === 0 ? {} : { ioOwner }),
  };
}

function runcOptions(options: RuntimeOptions): Options | undefined {
  if (!options || options.value.length === 0) return undefined;
  const type = options.typeUrl.slice(options.typeUrl.lastIndexOf("/") + 1);
  if (type !== OptionsSchema.typeName)
    throw new Fault("invalid_argument", `unsupported option type "${type}"`);
  return readMessage(OptionsSchema, options.value);
}

export function writeRuntimeRecord(bundle: string, record: RuntimeRecord): void {
  writeFileSync(join(bundle, RECORD), JSON.stringify(record), { mode: 0o600 });
}

export function readRuntimeRecord(bundle: string): RuntimeRecord | undefined {
  try {
    const record = parseJson(`"${RECORD}"`, readFileSync(join(bundle, RECORD)));
    const owner = record.get("ioOwner");
    return {
      binary: record.get("binary").required().text() ?? "",
      root: record.get("root").required().text() ?? "",
      systemdCgroup: record.get("systemdCgroup").boolean() ?? false,
      noPivotRoot: record.get("noPivotRoot").boolean() ?? false,
      noNewKeyring: record.get("noNewKeyring").boolean() ?? false,
      criuWorkPath: record.get("criuWorkPath").text() ?? "",
      ...(owner.isMissing ? {} : { ioOwner: readOwner(owner) }),
    };
  } catch {
    return undefined;
  }
}

function readOwner(field: JsonField): IoOwner {
  return { uid: field.get("uid").integer({ min: 0 }) ?? 0, gid: field.get("gid").integer({ min: 0 }) ?? 0 };
}
