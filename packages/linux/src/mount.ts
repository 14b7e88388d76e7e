import { MNT, MS } from "./mount-flags.ts";
import { parseMountOptions } from "./mount-options.ts";
import { mountOverlay } from "./overlay-mount.ts";
import { systemCall } from "./system-call.ts";

const mount2 = systemCall<
  [source: string | null, target: string, type: string | null, flags: number, data: string | null]
>("int mount(const char *, const char *, const char *, unsigned long, const char *)");
const umount2 = systemCall<[target: string, flags: number]>("int umount2(const char *, int)");

/** mount(2), as it is. */
export function mountRaw(
  source: string | null,
  target: string,
  type: string | null,
  flags: number,
  data: string | null,
): void {
  mount2(source, target, type, flags, data);
}

/** umount2(2). */
export function unmount(target: string, flags = 0): void {
  umount2(target, flags);
}

/** umount2(2) on a thread: writing a file system back can take seconds. */
export async function unmountLater(target: string, flags = 0): Promise<void> {
  await umount2.async(target, flags);
}

/** Unmounts everything that is stacked on `target`; nothing mounted there, or no such path, is fine. */
export function unmountAll(target: string, flags = 0): void {
  for (;;) {
    const result = umount2.raw(target, flags);
    if (result === 0) continue;
    if (result === -EINVAL || result === -ENOENT) return;
    umount2(target, flags);
  }
}
const EINVAL = 22;
const ENOENT = 2;

/** What to mount, in the words of mount(8) and of containerd's API. */
export interface MountRequest {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/**
 * Mounts as mount(8) would: options become flags, propagation and file system data; a read-only bind takes its
 * second call. An overlay's options may be longer than a page (Linux 6.5 and later).
 */
export function mount(request: MountRequest, target: string): void {
  const parsed = parseMountOptions(request.options);
  const data = parsed.data.join(",");
  const propagation = parsed.propagation;
  const isBind = (parsed.flags & MS.BIND) !== 0 && (parsed.flags & MS.REMOUNT) === 0;

  // mount(2) copies one page of options and cuts the rest off.
  if (request.type === "overlay" && Buffer.byteLength(data) >= 4095) {
    mountOverlay(request.source, target, parsed.data, parsed.flags);
  } else if (propagation.length === 0 || request.type !== "" || data !== "" || isBind) {
    const flags = isBind ? parsed.flags & (MS.BIND | MS.REC) : parsed.flags;
    mount2(request.source, target, isBind ? null : request.type, flags, data === "" ? null : data);
  }
  if (isBind && (parsed.flags & ~(MS.BIND | MS.REC)) !== 0) {
    mount2(null, target, null, (parsed.flags & ~MS.REC) | MS.REMOUNT | lockedFlags(target), null);
  }
  for (const flag of propagation) mount2(null, target, null, flag, null);
}

/** Mounts one after the other; when one fails, those before it are gone again. `target` of each is below `root`. */
export function mountAll(
  mounts: readonly (MountRequest & { readonly target?: string })[],
  root: string,
): Disposable {
  const done: string[] = [];
  const undo = (): void => {
    for (const path of done.splice(0).toReversed()) unmount(path, MNT.DETACH);
  };
  try {
    for (const entry of mounts) {
      const path = entry.target ? `${root}/${entry.target.replace(/^\/+/, "")}` : root;
      mount(entry, path);
      done.push(path);
    }
  } catch (error) {
    undo();
    throw error;
  }
  return { [Symbol.dispose]: undo };
}

const statvfs = systemCall<[path: string, result: Uint8Array]>("int statfs(const char *, void *)");

// A bind remount that drops nosuid, nodev or noexec of the source is refused inside a user namespace: keep them.
function lockedFlags(target: string): number {
  const result = Buffer.alloc(120);
  statvfs(target, result);
  const flags = Number(result.readBigInt64LE(80));
  return flags & (MS.NOSUID | MS.NODEV | MS.NOEXEC);
}
