import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Why the store of this root cannot be a new one: files that have their names in the store. Undefined if it can be. */
export function whyNotEmpty(root: string): string | undefined {
  for (const folder of foldersOfNamedFiles(root)) {
    const [found] = namesIn(folder);
    if (found !== undefined) return `"${join(folder, found)}" is there`;
  }
  return undefined;
}

/** In containerd's layout. */
function* foldersOfNamedFiles(root: string): Generator<string> {
  const blobs = join(root, "io.containerd.content.v1.content/blobs");
  for (const algorithm of namesIn(blobs)) yield join(blobs, algorithm);
  for (const plugin of namesIn(root)) {
    if (plugin.startsWith("io.containerd.snapshotter.v1.")) yield join(root, plugin, "snapshots");
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A new root has none of them.
    return [];
  }
}
