import type { MessageInitShape } from "@bufbuild/protobuf";
import { type InfoSchema, Kind, Snapshots } from "@slipway/api/containerd/services/snapshots/v1/snapshots_pb";
import { toMounts } from "@slipway/client/messages";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { SnapshotInfo, SnapshotKind, Snapshotter } from "@slipway/core/snapshots";
import type { MetadataStores } from "@slipway/core/stores";
import { Fault } from "@slipway/fault/fault";
import { type CallContext, serve, type ServiceRegistration } from "@slipway/rpc/service";
import { batches } from "./batches.ts";
import { fieldPathsOf } from "./field-paths.ts";
import { required } from "./required.ts";
import { storesOf } from "./scope.ts";

const batchSize = 100;

export function snapshotsService(stores: MetadataStores): ServiceRegistration {
  const pick = (name: string, context: CallContext): Snapshotter => {
    if (name === "") throw new Fault("invalid_argument", "snapshotter argument missing: invalid argument");
    return storesOf(stores, context).snapshotter(name);
  };
  return serve(Snapshots, {
    async prepare({ snapshotter, key, parent, labels }, context) {
      return { mounts: toMounts(await pick(snapshotter, context).prepare(key, parent, { labels })) };
    },
    async view({ snapshotter, key, parent, labels }, context) {
      return { mounts: toMounts(await pick(snapshotter, context).view(key, parent, { labels })) };
    },
    async mounts({ snapshotter, key }, context) {
      return { mounts: toMounts(await pick(snapshotter, context).mounts(key)) };
    },
    async commit({ snapshotter, name, key, labels, parent }, context) {
      const rebased = parent === "" ? {} : { parent };
      await pick(snapshotter, context).commit(name, key, { labels, ...rebased });
      return {};
    },
    async remove({ snapshotter, key }, context) {
      await pick(snapshotter, context).remove(key);
      return {};
    },
    async stat({ snapshotter, key }, context) {
      return { info: toMessage(await pick(snapshotter, context).stat(key)) };
    },
    async update({ snapshotter, info, updateMask }, context) {
      const { name, labels } = required(info, "info");
      const updated = await pick(snapshotter, context).update({ name, labels }, fieldPathsOf(updateMask));
      return { info: toMessage(updated) };
    },
    async *list({ snapshotter, filters }, context) {
      for await (const infos of batches(pick(snapshotter, context).walk(filters), batchSize)) {
        yield { info: infos.map(toMessage) };
      }
    },
    async usage({ snapshotter, key }, context) {
      const { sizeBytes, inodes } = await pick(snapshotter, context).usage(key);
      return { size: BigInt(sizeBytes), inodes: BigInt(inodes) };
    },
    async cleanup({ snapshotter }, context) {
      const chosen = pick(snapshotter, context);
      if (!chosen.cleanup) {
        throw new Fault("unimplemented", "snapshotter does not implement Cleanup method: not implemented");
      }
      await chosen.cleanup();
      return {};
    },
  });
}

const kinds: Readonly<Record<SnapshotKind, Kind>> = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
};

function toMessage(info: SnapshotInfo): MessageInitShape<typeof InfoSchema> {
  return {
    name: info.name,
    parent: info.parent,
    kind: kinds[info.kind],
    createdAt: toTimestamp(info.createdAt),
    updatedAt: toTimestamp(info.updatedAt),
    labels: { ...info.labels },
  };
}
