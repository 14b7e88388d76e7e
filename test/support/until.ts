import { setTimeout } from "node:timers/promises";
import { patience } from "./patience.ts";

const LONGEST_MS = 30_000 * patience;

/** What `look` gives when it gives something, for what nobody tells of. */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const start = Date.now();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() - start > LONGEST_MS) throw new Error(`It did not come true: ${String(look)}`);
    await setTimeout(20);
  }
}
