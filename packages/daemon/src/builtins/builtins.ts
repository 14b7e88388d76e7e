import { join } from "node:path";
import type { Plugin } from "@slipway/core/plugin";
import { autoRemovePlugin } from "@slipway/plugins/auto-remove";
import { contentPlugin } from "@slipway/plugins/content-local";
import { deprecationsPlugin } from "@slipway/plugins/deprecations";
import { walkingPlugin } from "@slipway/plugins/diff-walking";
import { doctorPlugin } from "@slipway/plugins/doctor";
import { exchangePlugin } from "@slipway/plugins/events";
import { fileThreadsPlugin } from "@slipway/plugins/file-threads";
import { gcPlugin } from "@slipway/plugins/gc";
import { healthPlugin } from "@slipway/plugins/health";
import { bindirVerifierPlugin } from "@slipway/plugins/image-verifier-bindir";
import { integrityPlugin } from "@slipway/plugins/integrity";
import { layersAheadPlugin } from "@slipway/plugins/layers-ahead";
import { metadataPlugin } from "@slipway/plugins/metadata";
import { metricsPlugin } from "@slipway/plugins/metrics-prometheus";
import { oomPlugin } from "@slipway/plugins/oom";
import { restartPlugin } from "@slipway/plugins/restart";
import { shimRuntimePlugin } from "@slipway/plugins/runtime-shim";
import { nativePlugin } from "@slipway/plugins/snapshots-native";
import { overlayPlugin } from "@slipway/plugins/snapshots-overlay";
import { sqliteStorePlugin } from "@slipway/plugins/store-sqlite";
import { streamingPlugin } from "@slipway/plugins/streaming";
import { transferPlugin } from "@slipway/plugins/transfer-local";
import type { DaemonConfig } from "../config/config.ts";
import { revision, version } from "../version.ts";

/** The mechanisms that the daemon brings, one a line. Their code is loaded here and nowhere else. */
export async function builtins(config: DaemonConfig): Promise<Plugin[]> {
  const runtime = shimRuntimePlugin({
    grpcAddress: config.grpc.address,
    ttrpcAddress: config.ttrpc.address,
    version,
    publishBinary: join(bin, "slipwayd"),
    shimBinary: join(bin, "containerd-shim-slipway-v1"),
    timeouts: config.timeouts,
  });
  return [
    exchangePlugin,
    deprecationsPlugin,
    metricsPlugin({ ...config.metrics, version, revision }),
    sqliteStorePlugin,
    fileThreadsPlugin,
    layersAheadPlugin,
    contentPlugin,
    overlayPlugin,
    nativePlugin,
    metadataPlugin,
    walkingPlugin,
    gcPlugin,
    runtime,
    autoRemovePlugin,
    restartPlugin,
    healthPlugin,
    oomPlugin,
    doctorPlugin,
    bindirVerifierPlugin,
    streamingPlugin,
    transferPlugin,
    integrityPlugin,
  ];
}

const bin = join(import.meta.dirname, "../../../../bin");
