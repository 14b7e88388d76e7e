import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "@slipway/core/containers";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import { restartLabel } from "@slipway/core/restart";
import type { Snapshotter } from "@slipway/core/snapshots";
import type { ProcessIo } from "@slipway/core/tasks";
import { mkfifo } from "@slipway/linux/mknod";
import { makeDirectories } from "@slipway/linux/make-directories";
import { ownDirectory } from "../own-files/host-directories.ts";
import { specFieldOf } from "../spec/spec-any.ts";
import { overlayMounts, parseRootfs, rootfsLabel } from "./rootfs-folder.ts";

/** nerdctl's label for what a detached task's output is to go to. */
export const logUriLabel = "nerdctl/log-uri";
/** Set on a container whose input is open also when nobody is attached, by `-i`. */
export const interactiveLabel = "slipway/interactive";

/** What a container's root file system is mounted from; empty when its spec names a folder. */
export async function containerRootfs(
  { id, labels, snapshotter, snapshotKey }: Container,
  snapshotters: (name: string) => Pick<Snapshotter, "mounts">,
): Promise<readonly Mount[]> {
  // One with a snapshot was made of an image, whose labels may be anybody's.
  const folder = snapshotKey === "" ? labels[rootfsLabel] : undefined;
  const overlay = folder === undefined ? undefined : parseRootfs(folder);
  if (overlay?.overlay) return overlayMounts(id, overlay.path);
  if (snapshotter === "" || snapshotKey === "") return [];
  return await snapshotters(snapshotter).mounts(snapshotKey);
}

/** Whether the container's first process has a terminal. */
export function hasTerminal(container: Pick<Container, "id" | "spec">): boolean {
  if (!container.spec) return false;
  return specFieldOf(container).get("process").get("terminal").boolean() ?? false;
}

/** The streams of a task that nobody is attached to: its output goes to the log that the container's labels name. */
export function loggedIo(
  { id, labels, terminal }: { readonly id: string; readonly labels: Labels; readonly terminal: boolean },
  stdin = labels[interactiveLabel] === "true",
): ProcessIo {
  const uri = labels[restartLabel.logUri] || (labels[logUriLabel] ?? "");
  const folder = ownDirectory({ id, labels });
  if (uri !== "" && folder !== undefined) makeDirectories(folder, 0o700);
  const input = folder === undefined || !stdin || !uri.startsWith("json-file:") ? "" : join(folder, "stdin");
  if (input !== "" && !existsSync(input)) mkfifo(input, 0o600);
  return { stdin: input, stdout: uri, stderr: terminal ? "" : uri, terminal };
}
