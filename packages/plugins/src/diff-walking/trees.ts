import { readFileSync } from "node:fs";
import type { Mount } from "@slipway/core/mounts/mount";
import { mountTemporarily, readOnly } from "./mounted.ts";

/** The two trees of a comparison, as long as the scope lasts. */
export interface ComparedTrees extends AsyncDisposable {
  readonly lower: string;
  readonly upper: string;
  readonly isOverlay: boolean;
}

/**
 * Mounts both. Where the upper one is an overlay on nothing but the lower one, its own directory has all that differs and
 * is read as it is, in the time of the change and not of the tree.
 */
export async function openTrees(
  lower: readonly Mount[],
  upper: readonly Mount[],
  stateDir: string,
): Promise<ComparedTrees> {
  await using undo = new AsyncDisposableStack();
  const below = undo.use(await mountTemporarily(readOnly(lower), stateDir)).path;
  const own = upperDirectoryOn(lower, upper);
  const above = own ?? undo.use(await mountTemporarily(readOnly(upper), stateDir)).path;
  const owned = undo.move();
  return {
    lower: below,
    upper: above,
    isOverlay: own !== undefined,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function upperDirectoryOn(lower: readonly Mount[], upper: readonly Mount[]): string | undefined {
  const [below] = lower.length === 1 ? lower : [];
  const [above] = upper.length === 1 ? upper : [];
  if (above?.type !== "overlay" || !below || hasShortcuts(above)) return undefined;
  const layers = optionOf(above, "lowerdir");
  const same = below.type === "overlay" ? optionOf(below, "lowerdir") : below.source;
  const isWhole =
    below.type === "overlay" ? optionOf(below, "upperdir") === undefined : below.type === "bind";
  return isWhole && same === layers ? optionOf(above, "upperdir") : undefined;
}

// With these, an upper directory says that its content is elsewhere.
function hasShortcuts(mount: Mount): boolean {
  return ["redirect_dir", "metacopy"].some((name) => {
    const chosen = optionOf(mount, name);
    if (chosen !== undefined) return chosen !== "off";
    return readFileSync(`/sys/module/overlay/parameters/${name}`, "utf8").trim() !== "N";
  });
}

/** The value of an option such as `upperdir`. */
export function optionOf({ options }: Mount, key: string): string | undefined {
  return options.find((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
}
