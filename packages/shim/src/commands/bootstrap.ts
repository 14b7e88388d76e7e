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
