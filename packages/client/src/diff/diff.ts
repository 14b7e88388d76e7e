import { Diff } from "@slipway/api/containerd/services/diff/v1/diff_pb";
import type { Applier, ApplyOptions, CompareOptions, Comparer } from "@slipway/core/diff";
import type { Mount } from "@slipway/core/mounts/mount";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Calls } from "../connect/calls.ts";
import { fromDescriptor, required, toAnys, toDescriptor, toMounts } from "../connect/messages.ts";
import { toTimestamp } from "@slipway/rpc/timestamp";

/** Applies and makes layers in the daemon. */
export class RemoteDiffer implements Applier, Comparer {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async apply(layer: Descriptor, mounts: readonly Mount[], options: ApplyOptions = {}): Promise<Descriptor> {
    const request = {
      diff: toDescriptor(layer),
      mounts: toMounts(mounts),
      payloads: toAnys(options.payloads ?? {}),
      syncFs: options.syncFs ?? false,
    };
    const { applied } = await this.#calls.unary(Diff.method.apply, request, options.signal);
    return fromDescriptor(required(applied, "descriptor"));
  }

  async compare(
    lower: readonly Mount[],
    upper: readonly Mount[],
    options: CompareOptions = {},
  ): Promise<Descriptor> {
    const { mediaType, reference, labels, sourceDateEpoch, signal } = options;
    const request = {
      left: toMounts(lower),
      right: toMounts(upper),
      mediaType: mediaType ?? "",
      ref: reference ?? "",
      labels: { ...labels },
      ...(sourceDateEpoch ? { sourceDateEpoch: toTimestamp(sourceDateEpoch) } : {}),
    };
    return fromDescriptor(
      required((await this.#calls.unary(Diff.method.diff, request, signal)).diff, "descriptor"),
    );
  }
}
