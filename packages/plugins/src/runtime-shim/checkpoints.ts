import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { CheckpointOptionsSchema, OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { toAny } from "@slipway/client/messages";
import type { Any } from "@slipway/core/any";
import type { Container } from "@slipway/core/containers";
import type { ContentStore } from "@slipway/core/content";
import type { Applier, Comparer } from "@slipway/core/diff";
import type { Mount } from "@slipway/core/mounts/mount";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { readMessage } from "@slipway/rpc/read-message";

/** containerd's core/images/mediatypes.go. */
const checkpointType = "application/vnd.containerd.container.criu.checkpoint.criu.tar";
const checkpointConfigType = "application/vnd.containerd.container.checkpoint.config.v1+proto";

/** What criu wrote as content, and back. */
export class Checkpoints {
  readonly #content: ContentStore;
  readonly #differ: () => Applier & Comparer;

  constructor(content: ContentStore, differ: () => Applier & Comparer) {
    this.#content = content;
    this.#differ = differ;
  }

  /** Stores the folder as a tar, and the container's spec. @returns their descriptors */
  async store(folder: string, { spec }: Pick<Container, "spec">): Promise<Descriptor[]> {
    const mediaType = mediaTypes.ociLayer;
    const tar = await this.#differ().compare([], [bind(folder, "ro")], { mediaType, reference: folder });
    const bytes = spec ? toBinary(AnySchema, create(AnySchema, toAny(spec))) : new Uint8Array();
    return [{ ...tar, mediaType: checkpointType }, await this.#storeSpec(`${folder}/spec`, bytes)];
  }

  /** @throws {Fault} `invalid_argument` for content that is no checkpoint, `not_found` */
  async load(checkpoint: Descriptor, folder: string): Promise<void> {
    if (checkpoint.mediaType !== checkpointType) {
      throw new Fault("invalid_argument", `unsupported checkpoint type "${checkpoint.mediaType}"`);
    }
    await this.#differ().apply({ ...checkpoint, mediaType: mediaTypes.ociLayer }, [bind(folder, "rw")]);
  }

  async #storeSpec(ref: string, bytes: Uint8Array): Promise<Descriptor> {
    const digest = digestOf(bytes);
    await using writer = await this.#content.writer(ref);
    await writer.write(bytes);
    try {
      await writer.commit({ expected: digest });
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
    }
    return { mediaType: checkpointConfigType, digest, size: bytes.length };
  }
}

/** The folder that a client names for the checkpoint; it is then no content. @throws {Fault} `invalid_argument` */
export function namedCheckpointFolder(options: Any | undefined): string | undefined {
  if (!options || options.value.length === 0) return undefined;
  if (!options.typeUrl.endsWith(CheckpointOptionsSchema.typeName)) {
    throw new Fault("invalid_argument", `invalid task checkpoint option "${options.typeUrl}"`);
  }
  return readMessage(CheckpointOptionsSchema, options.value).imagePath || undefined;
}

/** The folder of a checkpoint that a new task is to be restored from, where the client names one. */
export function namedRestoreFolder(
  options: Any | undefined,
  checkpoint: Descriptor | undefined,
): string | undefined {
  const isRunc = options?.typeUrl.endsWith(OptionsSchema.typeName) === true && options.value.length > 0;
  const named = isRunc ? readMessage(OptionsSchema, options.value).criuImagePath : "";
  return checkpoint?.annotations?.["RestoreFromPath"] ?? (named || undefined);
}

function bind(source: string, access: "ro" | "rw"): Mount {
  return { type: "bind", source, options: ["rbind", access] };
}
