import { tmpdir } from "node:os";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { RuntimeInfoSchema, RuntimeRequestSchema } from "@slipway/api/containerd/types/types_pb";
import type { Any } from "@slipway/core/any";
import { Fault, messageOf } from "@slipway/fault/fault";
import { readMessage } from "@slipway/rpc/read-message";
import { callShim, daemonEnvironment } from "./shim-binary.ts";

/**
 * What a runtime says of itself: its version, the options that it was given, and the features of the OCI runtime below
 * it. It is asked anew each time, because a runtime may be replaced. containerd's TaskManager.PluginInfo.
 * @param findBinary - the program of a runtime's shim
 * @throws {Fault} `unimplemented` for another request, `unknown` when there is no such runtime or it cannot tell
 */
export async function runtimeInfo(
  request: Any,
  findBinary: (runtime: string) => string,
  signal: AbortSignal,
): Promise<Any> {
  if (!request.typeUrl.endsWith(RuntimeRequestSchema.typeName)) {
    throw new Fault("unimplemented", `unknown request type "${request.typeUrl}": not implemented`);
  }
  const { runtimePath, options } = readMessage(RuntimeRequestSchema, request.value);
  const path = findBinary(runtimePath);
  const input = options ? toBinary(AnySchema, create(AnySchema, options)) : new Uint8Array();
  try {
    const place = { cwd: tmpdir(), env: daemonEnvironment(), signal };
    const value = await callShim(path, ["-info"], input, place);
    readMessage(RuntimeInfoSchema, value);
    return { typeUrl: RuntimeInfoSchema.typeName, value };
  } catch (error) {
    const why = `Cannot get the features of runtime "${runtimePath}" from ${path}: ${messageOf(error)}`;
    throw new Fault("unknown", why, { cause: error });
  }
}
