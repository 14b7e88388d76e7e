import type { Flags } from "../flags.ts";

export async function serveShim(flags: Flags): Promise<void> {
  await Promise.reject(new Error(`Cannot serve at "${flags.socket}"`));
}
