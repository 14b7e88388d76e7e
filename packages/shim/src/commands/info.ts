import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { RuntimeInfoSchema } from "@slipway/api/containerd/types/types_pb";
import { Fault } from "@slipway/fault/fault";
import { version } from "../version.ts";

/** Tells the daemon what the runtime can do: a RuntimeInfo on standard output. Options come on standard input. */
export function printInfo(): void {
  const options = readOptions();
  const isRunc = options?.typeUrl.endsWith(OptionsSchema.typeName);
  const binary = (options && isRunc && fromBinary(OptionsSchema, options.value).binaryName) || "runc";
  const features = runtimeFeatures(binary);
  const info = create(RuntimeInfoSchema, {
    name: "io.containerd.slipway.v1",
    version: { version: version() },
    ...(options ? { options } : {}),
    ...(features ? { features: { typeUrl: FEATURES_TYPE, value: features } } : {}),
  });
  process.stdout.write(toBinary(RuntimeInfoSchema, info));
}
const FEATURES_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

function readOptions(): Any | undefined {
  try {
    const input = readFileSync(0);
    return input.length === 0 ? undefined : fromBinary(AnySchema, input);
  } catch {
    return undefined;
  }
}

/** A runtime may have no such command. @throws {Fault} `not_found` when there is no such runtime */
function runtimeFeatures(binary: string): Uint8Array | undefined {
  try {
    return execFileSync(binary, ["features"], { stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOENT") return undefined;
    throw new Fault("not_found", `failed to look up the path of "${binary}": it is not there`, {
      cause: error,
    });
  }
}
