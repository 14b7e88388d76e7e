import type { Client } from "@slipway/client/client";
import type { PullOptions, PullProgress } from "@slipway/client/pull";
import type { Image } from "@slipway/core/images";
import { hexOf } from "@slipway/oci/digest";
import { isLayer } from "@slipway/oci/media-types";
import { isSlipwayd } from "../daemon/is-slipwayd.ts";
import { formatProgress, Rate } from "../format/rate.ts";
import { formatSize } from "../format/size.ts";

export interface PullWithProgressOptions extends PullOptions {
  readonly quiet: boolean;
  readonly output: NodeJS.WriteStream;
}

/** Pulls an image and shows how far it is: a bar a layer on a terminal, else a line when a layer is done. */
export async function pullWithProgress(
  client: Client,
  reference: string,
  { quiet, output, ...options }: PullWithProgressOptions,
): Promise<Image> {
  const leave = new AbortController();
  const stop = (): void => leave.abort();
  process.once("SIGINT", stop);
  const view = quiet ? undefined : output.isTTY ? new Bars(output) : new Lines(output);
  try {
    const pull = await chooseWay(client);
    return await pull(client, reference, {
      ...options,
      signal: leave.signal,
      onWarning: (text) => process.stderr.write(`The registry warns: ${text}\n`),
      onProgress: (progress) => isLayer(progress.target.mediaType) && view?.show(progress),
    });
  } finally {
    view?.end();
    process.off("SIGINT", stop);
  }
}

type Pull = (client: Client, reference: string, options: PullOptions) => Promise<Image>;

/** Our daemon pulls by itself, which is faster; for others this process does it. */
async function chooseWay(client: Client): Promise<Pull> {
  if (await isSlipwayd(client)) return (await import("@slipway/client/pull-in-daemon")).pullInDaemon;
  return (await import("@slipway/client/pull")).pull;
}

interface View {
  show(progress: PullProgress): void;
  end(): void;
}

const shortId = ({ target }: PullProgress): string => hexOf(target.digest).slice(0, 12);

class Lines implements View {
  readonly #output: NodeJS.WriteStream;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  show(progress: PullProgress): void {
    if (progress.state === "unpacked") this.#output.write(`${shortId(progress)}: Pull complete\n`);
  }

  end(): void {}
}

const words: Readonly<Record<PullProgress["state"], string>> = {
  waiting: "Waiting",
  fetching: "Downloading",
  fetched: "Download complete",
  unpacking: "Extracting",
  unpacked: "Pull complete",
};
const barWidth = 40;
const redrawEveryMs = 100;

/** Draws all layers anew over their former lines, no more often than eyes can follow. */
class Bars implements View {
  readonly #output: NodeJS.WriteStream;
  readonly #layers = new Map<string, PullProgress>();
  readonly #rate = new Rate();
  #drawnLines = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  show(progress: PullProgress): void {
    this.#layers.set(progress.target.digest, progress);
    this.#timer ??= setTimeout(() => this.#draw(), redrawEveryMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#draw();
  }

  #draw(): void {
    this.#timer = undefined;
    const up = this.#drawnLines > 0 ? `\u001B[${this.#drawnLines}A` : "";
    const lines = [...[...this.#layers.values()].map(lineOf), this.#total()];
    this.#output.write(up + lines.map((line) => `\u001B[2K${line}\n`).join(""));
    this.#drawnLines = lines.length;
  }

  #total(): string {
    let [bytes, total] = [0, 0];
    for (const { target, state, offset } of this.#layers.values()) {
      total += target.size;
      bytes += state === "waiting" || state === "fetching" ? offset : target.size;
    }
    return `${"Total".padEnd(26)}${formatProgress(bytes, total, this.#rate.at(performance.now(), bytes))}`;
  }
}

/** One layer's line on a terminal. */
export function lineOf(progress: PullProgress): string {
  const { target, state, offset } = progress;
  const start = `${shortId(progress)}: ${words[state]}`;
  if (state !== "fetching") return start;
  const filled = target.size === 0 ? barWidth : Math.floor((offset / target.size) * barWidth);
  const bar = `${"=".repeat(filled)}>`.slice(0, barWidth).padEnd(barWidth);
  return `${start.padEnd(26)}[${bar}] ${formatSize(offset)}/${formatSize(target.size)}`;
}
