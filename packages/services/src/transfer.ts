import { Transfer } from "@slipway/api/containerd/services/transfer/v1/transfer_pb";
import type { StreamManager } from "@slipway/core/streaming";
import type { Transferrer } from "@slipway/core/transfer";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";

/** Its code is loaded with the first call: many daemons never get one. */
export function transferService(
  transferrers: readonly Transferrer[],
  streams: StreamManager,
): ServiceRegistration {
  return serve(Transfer, {
    async transfer(request, context) {
      const { runTransfer } = await import("./run-transfer.ts");
      return await runTransfer(request, context, transferrers, streams);
    },
  });
}
