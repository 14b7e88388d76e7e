import { dirname } from "node:path";
import type { Logger } from "@slipway/core/plugin";
import { during, messageOf } from "@slipway/fault/fault";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { filesIn, imageIn } from "./layer-folder.ts";

// A pull commits a layer and stacks the next upon it: what is unmounted in between would be mounted again at once.
const lingerMs = 2_000;

/**
 * The images that are mounted, each on its own snapshot's `fs`. What an overlay has as a layer it keeps by itself: an
 * image has to be mounted only until the last one that was told of it has mounted its overlay, which nobody tells.
 */
export class ImageMounts {
  readonly #folderOf: (id: number) => string;
  readonly #needed: () => ReadonlySet<number>;
  readonly #log: Logger;
  readonly #mounted = new Set<number>();
  // Those of snapshots that are being made and are in no record yet.
  readonly #held = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `needed` gives the layers below all snapshots that may be mounted. Finds what a killed daemon left mounted. */
  constructor(folderOf: (id: number) => string, needed: () => ReadonlySet<number>, log: Logger) {
    this.#folderOf = folderOf;
    this.#needed = needed;
    this.#log = log;
    const pattern = new RegExp(`^${RegExp.escape(dirname(folderOf(0)))}/([0-9]+)/fs$`);
    for (const { type, mountPoint } of readMountInfo()) {
      const id = type === "erofs" ? pattern.exec(mountPoint)?.[1] : undefined;
      if (id !== undefined) this.#mounted.add(Number(id));
    }
    this.sweepLater();
  }

  has(id: number): boolean {
    return this.#mounted.has(id);
  }

  /** Mounts those of the images that are not yet, and keeps them so as long as the scope lasts. */
  async hold(ids: readonly number[]): Promise<Disposable> {
    for (const id of ids) this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    const release = (): void => {
      for (const id of ids) {
        const count = (this.#held.get(id) ?? 1) - 1;
        if (count === 0) this.#held.delete(id);
        else this.#held.set(id, count);
      }
    };
    try {
      const missing = ids.filter((id) => !this.#mounted.has(id));
      if (missing.length > 0) {
        const { mountImage } = await import("@slipway/linux/image-mount");
        for (const id of missing) {
          // Another call may have been faster while this one loaded.
          if (this.#mounted.has(id)) continue;
          const folder = this.#folderOf(id);
          mountImage(imageIn(folder), filesIn(folder));
          this.#mounted.add(id);
        }
      }
    } catch (error) {
      release();
      throw during("mount layer image", error);
    }
    return { [Symbol.dispose]: release };
  }

  /** Soon looks for what nothing needs any more. */
  sweepLater(): void {
    if (this.#mounted.size === 0 || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const needed = this.#needed();
      void this.#unmount([...this.#mounted].filter((id) => !needed.has(id) && !this.#held.has(id)));
    }, lingerMs).unref();
  }

  /** Before the snapshot's folder is removed. */
  async unmount(id: number): Promise<void> {
    if (this.#mounted.has(id)) await this.#unmount([id]);
  }

  /** Overlays that are mounted keep what they have. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#unmount([...this.#mounted]);
  }

  async #unmount(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const [{ unmountAll }, { MNT }] = await Promise.all([
      import("@slipway/linux/mount"),
      import("@slipway/linux/mount-flags"),
    ]);
    for (const id of ids) {
      if (!this.#mounted.delete(id)) continue;
      const path = filesIn(this.#folderOf(id));
      try {
        // Whoever is looking into it may finish.
        unmountAll(path, MNT.DETACH);
      } catch (error) {
        this.#log.warn("failed to unmount layer image", { path, error: messageOf(error) });
      }
    }
  }
}
