import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Descriptor } from "@slipway/oci/descriptor";
import { mediaTypes } from "@slipway/oci/media-types";
import type { LayerCompression } from "./sample-image.ts";

export interface FloorJob {
  readonly compression: LayerCompression;
  readonly bytes: SharedArrayBuffer;
}

/** In seconds. */
export interface FloorCost {
  readonly wall: number;
  readonly cpu: number;
}

/**
 * What no pull can be below: an image's blobs, in memory already, hashed, inflated, and hashed again, on all processors, the
 * largest first. By the libraries that slipwayd uses.
 */
export class Floor implements AsyncDisposable {
  readonly #workers: readonly Worker[];
  readonly #jobs: readonly FloorJob[];

  private constructor(workers: readonly Worker[], jobs: readonly FloorJob[]) {
    this.#workers = workers;
    this.#jobs = jobs;
  }

  static async of(host: string, name: string, compression: LayerCompression): Promise<Floor> {
    const manifest = await fetched(host, name, "manifests/latest", mediaTypes.ociManifest);
    const { layers } = JSON.parse(Buffer.from(manifest).toString()) as { layers: Descriptor[] };
    const largestFirst = layers.toSorted((one, other) => other.size - one.size);
    const jobs: FloorJob[] = [];
    for (const { digest } of largestFirst)
      jobs.push({ compression, bytes: await fetched(host, name, `blobs/${digest}`) });
    const program = new URL("floor-worker.ts", import.meta.url);
    const workers = Array.from({ length: availableParallelism() }, () => new Worker(program));
    await Promise.all(workers.map((worker) => once(worker, "message")));
    return new Floor(workers, jobs);
  }

  async measure(): Promise<FloorCost> {
    const left = [...this.#jobs];
    const [began, before] = [performance.now(), process.cpuUsage()];
    const work = async (worker: Worker): Promise<void> => {
      for (let job = left.shift(); job; job = left.shift()) {
        worker.postMessage(job);
        await once(worker, "message");
      }
    };
    await Promise.all(this.#workers.map(work));
    const { user, system } = process.cpuUsage(before);
    return { wall: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

async function fetched(host: string, name: string, path: string, accept = "*/*"): Promise<SharedArrayBuffer> {
  const response = await fetch(`http://${host}/v2/${name}/${path}`, { headers: { accept } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}
