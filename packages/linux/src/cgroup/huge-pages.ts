import { readdirSync } from "node:fs";

let sizes: readonly string[] | undefined;

/** The sizes of huge pages that this machine has, as cgroups' files name them: `2MB`, `1GB`. */
export function hugePageSizes(): readonly string[] {
  return (sizes ??= foldersOf("/sys/kernel/mm/hugepages").map(sizeName));
}

function foldersOf(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => /^hugepages-\d+kB$/.test(name));
  } catch {
    // A kernel without huge pages.
    return [];
  }
}

/** Of `hugepages-2048kB`, for example. */
function sizeName(folder: string): string {
  let size = Number(/\d+/.exec(folder)?.[0]);
  for (const unit of ["KB", "MB"]) {
    if (size < 1024) return `${size}${unit}`;
    size /= 1024;
  }
  return `${size}GB`;
}
