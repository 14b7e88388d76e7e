import { readFileSync } from "node:fs";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { fromBinary } from "@bufbuild/protobuf";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { OptionsSchema as GenericOptionsSchema } from "@slipway/api/runtimeoptions/v1/runtimeoptions_pb";
import { Fault, messageOf } from "@slipway/fault/fault";
import { parse } from "smol-toml";
import { packAny } from "../events.ts";

/**
 * Kubernetes' runtime handlers give a runtime that is not runc's own their options as TOML, as text or as a file's path. Here
 * they are runc's options, under the names that config.toml has for those.
 * @throws {Fault} `invalid_argument`
 */
export function fromGenericOptions({ value }: Pick<Any, "value">): ReturnType<typeof packAny> {
  const { configBody, configPath } = fromBinary(GenericOptionsSchema, value);
  try {
    const text = configBody.length > 0 ? Buffer.from(configBody).toString() : textOf(configPath);
    return packAny(OptionsSchema, runcOptions(parse(text)));
  } catch (error) {
    throw new Fault("invalid_argument", `Cannot read the runtime's options: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function textOf(path: string): string {
  return path === "" ? "" : readFileSync(path, "utf8");
}

function runcOptions(table: Readonly<Record<string, unknown>>): MessageInitShape<typeof OptionsSchema> {
  const text = (name: string): string => typed(table[name], name, "string", "");
  const flag = (name: string): boolean => typed(table[name], name, "boolean", false);
  return {
    binaryName: text("BinaryName"),
    root: text("Root"),
    criuWorkPath: text("CriuWorkPath"),
    systemdCgroup: flag("SystemdCgroup"),
    noPivotRoot: flag("NoPivotRoot"),
    noNewKeyring: flag("NoNewKeyring"),
  };
}

function typed<T>(value: unknown, name: string, type: "string" | "boolean", fallback: T): T {
  if (value === undefined) return fallback;
  if (typeof value !== type) throw new Fault("invalid_argument", `"${name}" is no ${type}`);
  return value as T;
}
