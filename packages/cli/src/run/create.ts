import { existsSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Client } from "@slipway/client/client";
import { leased } from "@slipway/client/leased";
import { containerSpec } from "@slipway/client/container-spec";
import { overlayMounts, parseRootfs, removeOverlay } from "@slipway/client/rootfs-folder";
import { resolveGroups, resolveUser } from "@slipway/client/user";
import type { Mount } from "@slipway/core/mounts/mount";
import type { Labels } from "@slipway/core/labels";
import { Fault } from "@slipway/fault/fault";
import type { ImageConfig } from "@slipway/oci/image";
import type { UserSpec } from "@slipway/oci/runtime-spec";
import type { Globals } from "../cli.ts";
import { newLogUri } from "../logs/log-target.ts";
import type { ReadyImage } from "../images/ensure-image.ts";
import { checkFlags } from "./check-flags.ts";
import { flagOptions } from "./flag-options.ts";
import type { RunFlags, RunRequest } from "./flags.ts";
import { withInit } from "./init.ts";
import { containerFolder, containerLabels } from "./labels.ts";
import { sharedMemory, tmpfsMount, typedMount, volumeMount } from "./mounts.ts";
import { keepName, newId, newName, refuseTakenName } from "./names.ts";
import { withMounted } from "@slipway/client/mounted";
import { hostNetworkMounts } from "@slipway/client/mounts";
import { specAny } from "@slipway/client/spec-any";

/** A container that was made and has no task yet. */
export interface CreatedContainer {
  readonly id: string;
  readonly labels: Labels;
  readonly terminal: boolean;
  /** Empty without a snapshot; the snapshot's key is the id. */
  readonly snapshotter: string;
  /** What the task's root file system is mounted from; empty when the spec names a folder. */
  readonly rootfs: readonly Mount[];
}

/** What a container's files come from. */
interface Base {
  readonly image: string;
  readonly config?: ImageConfig;
  readonly snapshotter: string;
  readonly rootfs: readonly Mount[];
  readonly rootfsPath?: string;
  /** Undoes it when the container cannot be made. */
  undo(): Promise<void>;
}

/**
 * Makes the container that the flags describe. When that fails, nothing of it stays. `onBegin` is called before there is
 * something that could: a pull may take long before that.
 */
export async function createContainer(
  unleased: Client,
  globals: Globals,
  { image, command }: RunRequest,
  flags: RunFlags,
  onBegin: () => void = () => {},
): Promise<CreatedContainer> {
  checkFlags(flags);
  const options = flagOptions(flags);
  // Until the container names its snapshot, nothing else holds it.
  await using held = await leased(unleased);
  const { client } = held;
  const id = newId();
  const name = flags.name || newName();
  if (flags.name) await refuseTakenName(client, flags.name);
  if (flags.cidfile !== undefined && existsSync(flags.cidfile)) {
    throw new Fault("already_exists", `Cannot write container id: "${flags.cidfile}" is there`);
  }
  const isOurs = (await client.introspection.version()).version.includes("slipway");
  if (flags.rm && flags.detach && !isOurs) {
    throw new Fault(
      "unimplemented",
      "Cannot use --rm with --detach: only slipwayd removes containers that end",
    );
  }
  const ready = flags.rootfs ? undefined : await readyImage(client, globals, image, flags);
  onBegin();
  const base = ready ? await imageBase(client, globals, id, ready) : folderBase(id, image);
  try {
    const isHost = flags.network === "host" || flags.uts === "host";
    const host = flags.hostname ?? (isHost ? hostname() : id.slice(0, 12));
    const plain = containerSpec({
      ...options,
      id,
      namespace: globals.namespace,
      ...(base.config ? { image: base.config } : {}),
      args: command,
      user: userOf(flags, base),
      hostname: host,
      mounts: [
        ...(flags.network === "host" && !flags.rootfs ? hostNetworkMounts() : []),
        ...flags.volume.map(volumeMount),
        ...flags.mount.map(typedMount),
        ...flags.tmpfs.map(tmpfsMount),
        ...(flags.shmSize === undefined ? [] : [sharedMemory(flags.shmSize)]),
      ],
      ...(base.rootfsPath === undefined ? {} : { rootfsPath: base.rootfsPath }),
    });
    const spec = withInit(plain, flags);
    const runtime = flags.runtime ?? (isOurs ? "io.containerd.slipway.v1" : "io.containerd.runc.v2");
    const labels = containerLabels({
      isRemovedByDaemon: (flags.rm ?? false) && isOurs,
      log: newLogUri(flags, containerFolder(globals, id), id, runtime),
      id,
      name,
      host,
      image,
      flags,
      globals,
      ...(base.config ? { config: base.config } : {}),
    });
    await client.containers.create({
      id,
      labels,
      image: base.image,
      runtime: { name: runtime },
      spec: specAny("Spec", spec),
      snapshotter: base.snapshotter,
      snapshotKey: base.snapshotter === "" ? "" : id,
      extensions: {},
      sandboxId: "",
    });
    if (flags.name) await keepName(client, flags.name, id);
    if (flags.cidfile !== undefined) writeFileSync(flags.cidfile, id, { flag: "wx" });
    return { id, labels, terminal: flags.tty ?? false, snapshotter: base.snapshotter, rootfs: base.rootfs };
  } catch (error) {
    await base.undo();
    throw error;
  }
}

function folderBase(id: string, text: string): Base {
  const { path, overlay } = parseRootfs(text);
  if (!existsSync(path)) throw new Fault("not_found", `Cannot use rootfs "${path}": there is no such folder`);
  if (!overlay) return { image: "", snapshotter: "", rootfs: [], rootfsPath: path, undo: async () => {} };
  const rootfs = overlayMounts(id, path);
  return { image: "", snapshotter: "", rootfs, undo: async () => removeOverlay(id) };
}

async function readyImage(
  client: Client,
  globals: Globals,
  reference: string,
  flags: RunFlags,
): Promise<ReadyImage> {
  const { ensureImage } = await import("../images/ensure-image.ts");
  return await ensureImage(client, globals, reference, flags);
}

async function imageBase(
  client: Client,
  globals: Globals,
  id: string,
  { name, config, chainId }: ReadyImage,
): Promise<Base> {
  const snapshots = client.snapshotter(globals.snapshotter);
  const rootfs = await snapshots.prepare(id, chainId);
  return { image: name, config, snapshotter: globals.snapshotter, rootfs, undo: () => snapshots.remove(id) };
}

function userOf(flags: RunFlags, { config, rootfs, rootfsPath }: Base): UserSpec {
  const wanted = flags.user ?? config?.config?.User ?? "";
  const look = (root: string): UserSpec => {
    const user = resolveUser(wanted, root);
    const further = resolveGroups(flags.groupAdd, root);
    return { ...user, additionalGids: [...new Set([...(user.additionalGids ?? []), ...further])] };
  };
  return rootfsPath === undefined ? withMounted(rootfs, look) : look(rootfsPath);
}
