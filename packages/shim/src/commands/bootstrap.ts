import { AnySchema } from "@bufbuild/protobuf/wkt";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type BootstrapParams,
  BootstrapParamsSchema,
  BootstrapResultSchema,
} from "@slipway/api/containerd/runtime/bootstrap/v1/bootstrap_pb";

/** What containerd 2.3 and later write to a shim's standard input. */
export function parseBootstrap(input: Uint8Array): BootstrapParams {
  return fromBinary(BootstrapParamsSchema, input);
}

/** What they read back. */
export function encodeBootstrapResult(result: MessageInitShape<typeof BootstrapResultSchema>): Uint8Array {
  return toBinary(BootstrapResultSchema, create(BootstrapResultSchema, result));
}

/** What runc's options say of the server's cgroup: in the parameters' extensions, or, from older daemons, alone. */
export function shimCgroupOf(input: Uint8Array, params: BootstrapParams | undefined): string {
  const named = params
    ? params.extensions.map(({ value }) => value).find((any) => any?.typeUrl.endsWith(OptionsSchema.typeName))
    : fromBinary(AnySchema, input);
  if (!named?.typeUrl.endsWith(OptionsSchema.typeName)) return "";
  return fromBinary(OptionsSchema, named.value).shimCgroup;
}
