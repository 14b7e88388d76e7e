import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Mount } from "@slipway/core/mounts/mount";
import { mount, unmountAll } from "@slipway/linux/mount";
import { MNT } from "@slipway/linux/mount-flags";
import { makeDirectories } from "@slipway/linux/make-directories";

/** Set on a container whose root file system is a folder: the folder, with `:O` when changes are thrown away. */
export const rootfsLabel = "slipway/rootfs";

/** Where the changes to a folder are, until the container is removed. */
export function overlayFolder(id: string): string {
  return join("/run/slipway/rootfs", id);
}

/** `PATH` or `PATH:O`. */
export function parseRootfs(text: string): { readonly path: string; readonly overlay: boolean } {
  const overlay = text.endsWith(":O");
  return { path: resolve(overlay ? text.slice(0, -2) : text), overlay };
}

/**
 * The mounts that make a folder a root file system whose changes go to memory and are lost in the end. The upper layer
 * has a tmpfs of its own: an overlay's layers must not lie inside one another, and everything lies inside "/".
 */
export function overlayMounts(id: string, path: string): Mount[] {
  const folder = overlayFolder(id);
  makeDirectories(folder, 0o700);
  const [upper, work] = [join(folder, "upper"), join(folder, "work")];
  // A container that is started again finds its changes.
  if (!existsSync(upper)) {
    mount({ type: "tmpfs", source: "tmpfs", options: ["mode=700"] }, folder);
    for (const layer of [upper, work]) mkdirSync(layer, { mode: 0o755 });
  }
  const options = [`lowerdir=${escape(path)}`, `upperdir=${upper}`, `workdir=${work}`];
  return [{ type: "overlay", source: "overlay", options }];
}

/** Throws away what `overlayMounts` made; nothing there is fine. */
export function removeOverlay(id: string): void {
  const folder = overlayFolder(id);
  unmountAll(folder, MNT.DETACH);
  rmSync(folder, { recursive: true, force: true });
}

/** A colon separates lower layers. */
function escape(path: string): string {
  return path.replaceAll(/[\\:,]/g, String.raw`\$&`);
}
