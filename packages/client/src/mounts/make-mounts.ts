import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { anonymousLabel, type Volume } from "@slipway/core/volumes";
import { during, Fault } from "@slipway/fault/fault";
import type { MountSpec } from "@slipway/oci/runtime-spec";
import { makeDirectories } from "@slipway/linux/make-directories";
import type { Creation } from "../own-files/creation.ts";
import { copyUp } from "../volumes/copy-up.ts";
import type { VolumeDirectories } from "../volumes/volume-directories.ts";
import { requirePropagation } from "./source-propagation.ts";
import type { BindRequest, MountRequest, VolumeRequest } from "./mount-request.ts";

export interface MountMaker {
  readonly creation: Creation;
  readonly volumes: VolumeDirectories;
  /** Where the container's root file system is mounted, to be read. */
  readonly rootfs: string;
}

/** Creates what the mounts of a container need, and says how the runtime is to mount them. */
export async function makeMounts(requests: readonly MountRequest[], maker: MountMaker): Promise<MountSpec[]> {
  const mounts: MountSpec[] = [];
  for (const request of requests) {
    if (request.type === "plain") mounts.push(request.mount);
    else if (request.type === "bind") mounts.push(bindMount(request));
    else mounts.push(await volumeMount(request, maker));
  }
  return mounts;
}

/** @throws {Fault} `not_found` for a source, `failed_precondition` for a propagation that is not possible */
function bindMount({ source, target, options, createsSource }: BindRequest): MountSpec {
  if (!statSync(source, { throwIfNoEntry: false })) {
    if (!createsSource) {
      throw new Fault("not_found", `Cannot mount "${source}": there is no such file or directory`);
    }
    makeSource(source);
  }
  requirePropagation(source, options);
  return { destination: target, type: "bind", source, options: [...options] };
}

function makeSource(path: string): void {
  try {
    makeDirectories(path);
  } catch (error) {
    throw during(`create directory "${path}"`, error);
  }
}

async function volumeMount(
  request: VolumeRequest,
  { creation, volumes, rootfs }: MountMaker,
): Promise<MountSpec> {
  const { target, readOnly, copiesUp, propagation = "rprivate" } = request;
  const volume = await ensureVolume(request, creation, volumes);
  if (copiesUp) await copyUp(volume, rootfs, target);
  const options = ["rbind", readOnly ? "ro" : "rw", propagation];
  return { destination: target, type: "bind", source: volume.mountpoint, options };
}

async function ensureVolume(
  { name, labels }: VolumeRequest,
  creation: Creation,
  volumes: VolumeDirectories,
): Promise<Volume> {
  if (name !== undefined) return await volumes.ensureNamed(name, labels);
  const own = randomBytes(32).toString("hex");
  creation.note(own);
  return await volumes.ensure(own, { ...labels, [anonymousLabel]: "" });
}
