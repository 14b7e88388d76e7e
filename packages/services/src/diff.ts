import { Diff } from "@slipway/api/containerd/services/diff/v1/diff_pb";
import { fromAnys, fromDescriptor, fromMounts, toDescriptor } from "@slipway/client/messages";
import { fromTimestamp } from "@slipway/rpc/timestamp";
import type { Differ } from "@slipway/core/plugin-kinds";
import type { Applier, Comparer } from "@slipway/core/diff";
import { type CallContext, serve, type ServiceRegistration } from "@slipway/rpc/service";
import { required } from "./required.ts";
import { scopeOf } from "./scope.ts";

export function diffService(differ: Differ): ServiceRegistration {
  const scoped = (context: CallContext): Applier & Comparer => {
    const { namespace, lease } = scopeOf(context);
    return differ.scoped(namespace, lease);
  };
  return serve(Diff, {
    async apply({ diff, mounts, payloads, syncFs }, context) {
      const layer = fromDescriptor(required(diff, "diff"));
      const applied = await scoped(context).apply(layer, fromMounts(mounts), {
        payloads: fromAnys(payloads),
        syncFs,
        signal: context.signal,
      });
      return { applied: toDescriptor(applied) };
    },
    async diff({ left, right, mediaType, ref, labels, sourceDateEpoch }, context) {
      const epoch = fromTimestamp(sourceDateEpoch);
      const made = await scoped(context).compare(fromMounts(left), fromMounts(right), {
        labels,
        signal: context.signal,
        ...(mediaType === "" ? {} : { mediaType }),
        ...(ref === "" ? {} : { reference: ref }),
        ...(epoch ? { sourceDateEpoch: epoch } : {}),
      });
      return { diff: toDescriptor(made) };
    },
  });
}
