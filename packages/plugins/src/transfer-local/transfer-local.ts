import { definePlugin } from "@slipway/core/plugin";
import {
  DiffPlugin,
  EventPlugin,
  ImageVerifierPlugin,
  MetadataPlugin,
  MetricsPlugin,
  TransferPlugin,
} from "@slipway/core/plugin-kinds";
import type { TransferEnd, TransferOptions } from "@slipway/core/transfer";
import type { Scope } from "@slipway/core/stores";
import { Fault } from "@slipway/fault/fault";
import { KeyedLock } from "@slipway/images/keyed-lock";
import { BandwidthLimit } from "@slipway/registry/bandwidth";
import { LayersAheadPlugin } from "../layers-ahead/layers-ahead.ts";
import { parseTransferConfig } from "./config.ts";
import type { TransferParts } from "./parts.ts";
import { pullMeasures } from "./pull-report.ts";

/** Moves images between registries, archives and the daemon's stores: containerd's core/transfer/local. */
export const transferPlugin = definePlugin({
  kind: TransferPlugin,
  id: "local",
  needs: {
    stores: MetadataPlugin,
    differs: DiffPlugin,
    layers: LayersAheadPlugin,
    verifiers: ImageVerifierPlugin,
    events: EventPlugin,
    metrics: MetricsPlugin,
  },
  parseConfig: parseTransferConfig,
  async start({ stores, differs, layers, verifiers, events, metrics }, config, { log }) {
    const [differ] = differs.values();
    if (!differ) throw new Fault("failed_precondition", "no plugin that can apply layers runs");
    const limits =
      config.downloadBytesPerSecond > 0 ? [new BandwidthLimit(config.downloadBytesPerSecond)] : [];
    const measures = pullMeasures(metrics);
    const locks = new KeyedLock();
    const shared = { limits, locks, events, measures };
    const parts: TransferParts = { stores, differ, layers, verifiers, config, log, ...shared };
    return {
      instance: {
        transfer: (scope, source, destination, options) =>
          transfer(parts, scope, source, destination, options),
      },
    };
  },
});

/** What each pair of ends needs is loaded when it is asked for. */
async function transfer(
  parts: TransferParts,
  scope: Scope,
  from: TransferEnd,
  to: TransferEnd,
  options: TransferOptions,
): Promise<"done" | "unsupported"> {
  if (from.kind === "registry" && to.kind === "image store") {
    const { pull } = await import("./pull.ts");
    await pull(parts, scope, from, to, options);
    return "done";
  }
  if (from.kind === "image store" && to.kind === "registry") {
    const { push } = await import("./push.ts");
    await push(parts, scope, from, to, options);
    return "done";
  }
  if (from.kind === "import stream" && to.kind === "image store") {
    const { importImages } = await import("./import.ts");
    await importImages(parts, scope, from, to, options);
    return "done";
  }
  if (from.kind === "image store" && to.kind === "export stream") {
    const { exportImages } = await import("./export.ts");
    await exportImages(parts, scope, from, to, options);
    return "done";
  }
  if (from.kind === "image store" && to.kind === "image store") {
    const { tag } = await import("./tag.ts");
    await tag(parts, scope, from, to);
    return "done";
  }
  // Nothing but the bytes: programs test streams with it.
  if (from.kind === "import stream" && to.kind === "export stream") {
    await to.write(from.bytes);
    return "done";
  }
  return "unsupported";
}
