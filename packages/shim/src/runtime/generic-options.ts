import { readFileSync } from "node:fs";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { OptionsSchema as GenericOptionsSchema } from "@slipway/api/runtimeoptions/v1/runtimeoptions_pb";
import { Fault, messageOf } from "@slipway/fault/fault";
import { readMessage } from "@slipway/rpc/read-message";
import { parse } from "smol-toml";
import { packAny } from "../events.ts";

/**
 * Kubernetes' runtime handlers give a runtime that is not runc's own their options as TOML, as text or as a file's path. Here
 * they are runc's options, under the names that config.toml has for those.
 * @throws {Fault} `invalid_argument`
 */
export function fromGenericOptions({ value }: Pick<Any, "value">): ReturnType<typeof packAny> {
  const { typeUrl, configBody, configPath } = readMessage(GenericOptionsSchema, value);
  if (typeUrl !== "" && !typeUrl.endsWith(OptionsSchema.typeName)) {
    throw new Fault("invalid_argument", `unsupported option type "${typeUrl}"`);
  }
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
  const known = new Set<string>();
  const value = (name: string): unknown => {
    known.add(name);
    return table[name];
  };
  const text = (name: string): string => typed(value(name), name, "string", "");
  const flag = (name: string): boolean => typed(value(name), name, "boolean", false);
  const number = (name: string): number => typed(value(name), name, "number", 0);
  const options = {
    binaryName: text("BinaryName"),
    root: text("Root"),
    shimCgroup: text("ShimCgroup"),
    ioUid: number("IoUid"),
    ioGid: number("IoGid"),
    criuImagePath: text("CriuImagePath"),
    criuWorkPath: text("CriuWorkPath"),
    systemdCgroup: flag("SystemdCgroup"),
    noPivotRoot: flag("NoPivotRoot"),
    noNewKeyring: flag("NoNewKeyring"),
  };
  const unknown = Object.keys(table).find((name) => !known.has(name));
  if (unknown !== undefined) throw new Fault("invalid_argument", `"${unknown}" is no option of runc`);
  return options;
}

function typed<T>(value: unknown, name: string, type: "string" | "boolean" | "number", fallback: T): T {
  if (value === undefined) return fallback;
  if (typeof value !== type) throw new Fault("invalid_argument", `"${name}" is no ${type}`);
  return value as T;
}
