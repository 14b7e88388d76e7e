import type { EventPublisher, ImagePullProgress } from "@slipway/core/events";
import type { Measure, Metrics } from "@slipway/core/metrics";
import { messageOf } from "@slipway/fault/fault";
import type { BlobProgress } from "@slipway/images/fetch-image";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { isLayer } from "@slipway/oci/media-types";

/** What is counted of all pulls. The first three have containerd's names: internal/cri/server/images/metrics.go. */
export interface PullMeasures {
  readonly pulls: Measure;
  readonly inProgress: Measure;
  /** In megabytes a second, of pulls that succeeded. */
  readonly throughput: Measure;
  readonly fetchedBytes: Measure;
  readonly pendingBytes: Measure;
}

export function pullMeasures(metrics: Metrics): PullMeasures {
  const cri = "containerd_cri_sandboxed";
  return {
    pulls: metrics.counter(`${cri}_image_pulls_total`, "succeeded and failed counters", ["status"]),
    inProgress: metrics.gauge(`${cri}_in_progress_image_pulls_total`, "in progress pulls"),
    throughput: metrics.histogram(`${cri}_image_pulling_throughput`, "image pull throughput"),
    fetchedBytes: metrics.counter("slipway_image_pull_bytes_total", "bytes that came from registries"),
    pendingBytes: metrics.gauge(
      "slipway_image_pull_pending_bytes",
      "bytes that pulls in progress know of and have not got yet",
    ),
  };
}

const eachMs = 1000;

interface Blob {
  readonly size: number;
  readonly isLayer: boolean;
  /** Bytes that are here; nothing was fetched of it as long as there is no number. */
  offset: number | undefined;
  isUnpacked: boolean;
}

/** Follows one pull and tells of it: events on `/slipway/images/pull-progress`, and metrics. */
export class PullReport {
  readonly #tell: (progress: ImagePullProgress) => void;
  readonly #measures: PullMeasures;
  readonly #name: string;
  readonly #blobs = new Map<Digest, Blob>();
  readonly #begunMs = performance.now();
  #digest = "";
  #toldAtMs = 0;
  #toldBytes = 0;
  #fetched = 0;
  #total = 0;
  #present = 0;

  constructor(events: EventPublisher, measures: PullMeasures, namespace: string, name: string) {
    this.#tell = (progress) => events.publish(namespace, "/slipway/images/pull-progress", progress);
    this.#measures = measures;
    this.#name = name;
  }

  /** Does the pull, and tells of its beginning and its end. */
  async during(pull: () => Promise<void>): Promise<void> {
    this.#measures.inProgress.add(1);
    this.#say("resolving");
    try {
      await pull();
      this.#say("completed");
      this.#measures.pulls.add(1, { status: "success" });
      const seconds = (performance.now() - this.#begunMs) / 1000;
      this.#measures.throughput.add(this.#total / 1_000_000 / seconds);
    } catch (error) {
      this.#say("failed", messageOf(error));
      this.#measures.pulls.add(1, { status: "failure" });
      throw error;
    } finally {
      this.#measures.inProgress.add(-1);
      this.#measures.pendingBytes.add(this.#present - this.#total);
    }
  }

  resolved({ digest }: Descriptor): void {
    this.#digest = digest;
    this.#say("pulling");
  }

  blob({ target, state, offset }: BlobProgress): void {
    const blob = this.#blobOf(target);
    const before = blob.offset ?? offset;
    const after = state === "waiting" ? 0 : state === "fetching" ? offset : target.size;
    if (state === "fetching") {
      const arrived = Math.max(offset - before, 0);
      this.#fetched += arrived;
      this.#measures.fetchedBytes.add(arrived);
    }
    const more = after - (blob.offset ?? 0);
    this.#present += more;
    this.#measures.pendingBytes.add(-more);
    if (state !== "waiting") blob.offset = after;
    blob.isUnpacked ||= state === "unpacked";
    if (performance.now() - this.#toldAtMs >= eachMs) this.#say("pulling");
  }

  #blobOf({ digest, size, mediaType }: Descriptor): Blob {
    const known = this.#blobs.get(digest);
    if (known) return known;
    const blob = { size, isLayer: isLayer(mediaType), offset: undefined, isUnpacked: false };
    this.#blobs.set(digest, blob);
    this.#total += size;
    this.#measures.pendingBytes.add(size);
    return blob;
  }

  #say(state: ImagePullProgress["state"], error = ""): void {
    const nowMs = performance.now();
    const elapsedMs = nowMs - (this.#toldAtMs || this.#begunMs);
    const rate = elapsedMs > 0 ? ((this.#fetched - this.#toldBytes) / elapsedMs) * 1000 : 0;
    this.#toldAtMs = nowMs;
    this.#toldBytes = this.#fetched;
    const layers = [...this.#blobs.values()].filter((blob) => blob.isLayer);
    this.#tell({
      name: this.#name,
      digest: this.#digest,
      state,
      totalBytes: BigInt(this.#total),
      presentBytes: BigInt(this.#present),
      fetchedBytes: BigInt(this.#fetched),
      bytesPerSecond: BigInt(Math.round(rate)),
      layers: layers.length,
      unpackedLayers: layers.filter(({ isUnpacked }) => isUnpacked).length,
      error,
    });
  }
}
