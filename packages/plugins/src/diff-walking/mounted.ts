import { mkdtemp, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Mount } from "@slipway/core/mounts/mount";
import { during } from "@slipway/fault/fault";
import { mountAll, unmountAll } from "@slipway/linux/mount";
import { MNT } from "@slipway/linux/mount-flags";

/** Mounts in a new folder of `parent`. Leaving the scope unmounts; what is in the mounts is never removed. */
export async function mountTemporarily(
  mounts: readonly Mount[],
  parent: string,
): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(parent, "mount-"));
  await using undo = new AsyncDisposableStack();
  // Not recursively: should the unmount fail, there are somebody's files below.
  undo.defer(async () => await rmdir(path));
  try {
    undo.use(mountAll(mounts.map(withoutVolatile), path));
  } catch (error) {
    throw during(`mount at "${path}"`, error);
  }
  const owned = undo.move();
  return { path, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** The same mounts, such that nothing can be written through them. */
export function readOnly(mounts: readonly Mount[]): Mount[] {
  return mounts.map((mount) => {
    const rest = mount.options.filter((option) => !/^(?:rw|ro|[ug]idmap=.*)$/.test(option));
    if (mount.type !== "overlay") return { ...mount, options: [...rest, "ro"] };
    return { ...mount, options: withoutUpper(rest) };
  });
}

/** Removes what a daemon left behind that was killed. */
export async function unmountLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith("mount-")) continue;
    unmountAll(join(parent, name), MNT.DETACH);
    await rmdir(join(parent, name));
  }
}

// An overlay with a writable top becomes one more read-only layer: a second writable mount of the same folders is undefined.
function withoutUpper(options: readonly string[]): string[] {
  const upper = options.find((option) => option.startsWith("upperdir="))?.slice("upperdir=".length);
  if (upper === undefined) return [...options, "ro"];
  return options
    .filter((option) => !option.startsWith("upperdir=") && !option.startsWith("workdir="))
    .map((option) => (option.startsWith("lowerdir=") ? option.replace("=", `=${upper}:`) : option));
}

// The kernel refuses a second mount of such an overlay.
function withoutVolatile(mount: Mount): Mount {
  if (mount.type !== "overlay") return mount;
  return {
    ...mount,
    options: mount.options.filter((option) => option !== "volatile" && option !== "fsync=volatile"),
  };
}
