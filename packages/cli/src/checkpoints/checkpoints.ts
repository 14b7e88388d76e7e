import { readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { CheckpointOptionsSchema, OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { ownDirectory } from "@slipway/client/host-directories";
import type { Any } from "@slipway/core/any";
import type { Container } from "@slipway/core/containers";
import { Fault } from "@slipway/fault/fault";

/**
 * The folder of a container's checkpoint: below `root`, or in the container's own folder, with which it goes.
 * @throws {Fault} `invalid_argument` for a name that is none
 */
export function checkpointFolder(container: Container, name: string, root: string | undefined): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new Fault("invalid_argument", `Cannot use checkpoint name "${name}"`);
  }
  return join(checkpointsFolder(container, root), name);
}

/** As checkpointFolder(), of one that is there. @throws {Fault} `not_found` */
export function knownCheckpoint(container: Container, name: string, root: string | undefined): string {
  const folder = checkpointFolder(container, name, root);
  if (statSync(folder, { throwIfNoEntry: false })) return folder;
  throw new Fault("not_found", `checkpoint ${name} does not exist for container ${container.id}`);
}

/** Their names. */
export function listCheckpoints(container: Container, root: string | undefined): string[] {
  try {
    return readdirSync(checkpointsFolder(container, root)).toSorted();
  } catch {
    // There never was one.
    return [];
  }
}

export function removeCheckpoint(container: Container, name: string, root: string | undefined): void {
  rmSync(knownCheckpoint(container, name, root), { recursive: true });
}

function checkpointsFolder(container: Container, root: string | undefined): string {
  const { id } = container;
  if (root !== undefined) return resolve(root, id);
  const own = ownDirectory(container);
  if (own !== undefined) return join(own, "checkpoints");
  throw new Fault("failed_precondition", `Container "${id}" has no folder: use --checkpoint-dir`);
}

/** What Tasks.Checkpoint is told. */
export function checkpointOptions(init: MessageInitShape<typeof CheckpointOptionsSchema>): Any {
  const value = toBinary(CheckpointOptionsSchema, create(CheckpointOptionsSchema, init));
  return { typeUrl: CheckpointOptionsSchema.typeName, value };
}

/** The options of a task that is restored: the container's own, and the folder. */
export function restoreOptions({ runtime }: Container, folder: string): Any {
  const { options } = runtime;
  const own = options?.typeUrl.endsWith(OptionsSchema.typeName)
    ? fromBinary(OptionsSchema, options.value)
    : create(OptionsSchema);
  own.criuImagePath = folder;
  return { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, own) };
}
