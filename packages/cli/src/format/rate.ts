import { formatSize } from "./size.ts";

const windowMs = 5000;

/** How fast something goes: over the last seconds, so that it follows what happens and does not jump. */
export class Rate {
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** `bytes` is the sum since the beginning. @returns bytes a second */
  at(atMs: number, bytes: number): number {
    this.#samples.push({ atMs, bytes });
    while ((this.#samples[1]?.atMs ?? Infinity) <= atMs - windowMs) this.#samples.shift();
    const [first] = this.#samples;
    if (!first || atMs === first.atMs) return 0;
    return ((bytes - first.bytes) / (atMs - first.atMs)) * 1000;
  }
}

/** `12MB/40MB  3.1MB/s  9s left`, with what is known of it. */
export function formatProgress(bytes: number, total: number, bytesPerSecond: number): string {
  const done = `${formatSize(bytes)}/${formatSize(total)}`;
  if (bytesPerSecond < 1 || bytes >= total) return done;
  const seconds = Math.ceil((total - bytes) / bytesPerSecond);
  return `${done}  ${formatSize(Math.round(bytesPerSecond))}/s  ${formatSeconds(seconds)} left`;
}

function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}
