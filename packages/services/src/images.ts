import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Image as ImageMessage,
  type ImageSchema,
  Images,
} from "@slipway/api/containerd/services/images/v1/images_pb";
import { fromDescriptor, toDescriptor } from "@slipway/client/messages";
import { fromTimestamp, toTimestamp } from "@slipway/rpc/timestamp";
import type { Image, ImageUpdate, NewImage } from "@slipway/core/images";
import type { MetadataStores } from "@slipway/core/stores";
import type { Digest } from "@slipway/oci/digest";
import { Fault } from "@slipway/fault/fault";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";
import { fieldPathsOf } from "./field-paths.ts";
import { required } from "./required.ts";
import { storesOf } from "./scope.ts";

export function imagesService(stores: MetadataStores): ServiceRegistration {
  return serve(Images, {
    async get({ name }, context) {
      return { image: toMessage(await storesOf(stores, context).images.get(name)) };
    },
    async list({ filters }, context) {
      return { images: (await storesOf(stores, context).images.list(filters)).map(toMessage) };
    },
    async create({ image, sourceDateEpoch }, context) {
      const made = fromTimestamp(sourceDateEpoch);
      const wanted = { ...fromMessage(image), ...(made ? { createdAt: made, updatedAt: made } : {}) };
      return { image: toMessage(await storesOf(stores, context).images.create(wanted)) };
    },
    async update({ image, updateMask, sourceDateEpoch }, context) {
      const made = fromTimestamp(sourceDateEpoch);
      const wanted = { ...updateOf(image), ...(made ? { updatedAt: made } : {}) };
      return {
        image: toMessage(await storesOf(stores, context).images.update(wanted, fieldPathsOf(updateMask))),
      };
    },
    async delete({ name, sync, target }, context) {
      const { images } = storesOf(stores, context);
      await images.delete(name, { sync, ...(target ? { target: fromDescriptor(target) } : {}) });
      return {};
    },
  });
}

function toMessage(image: Image): MessageInitShape<typeof ImageSchema> {
  return {
    name: image.name,
    labels: { ...image.labels },
    target: toDescriptor(image.target),
    createdAt: toTimestamp(image.createdAt),
    updatedAt: toTimestamp(image.updatedAt),
  };
}

function fromMessage(message: ImageMessage | undefined): NewImage {
  const { name, labels, target } = required(message, "image");
  if (name === "") throw new Fault("invalid_argument", "Image.Name required");
  const { mediaType = "", digest = "", size = 0n, annotations = {} } = target ?? {};
  // The store says what is wrong with a target: an update of labels comes without one.
  return { name, labels, target: { mediaType, digest: digest as Digest, size: Number(size), annotations } };
}

/** Clients that change labels alone leave the target empty. */
function updateOf(message: ImageMessage | undefined): ImageUpdate {
  const { name, labels, target } = required(message, "image");
  return { name, labels, ...(target && target.digest !== "" ? { target: fromDescriptor(target) } : {}) };
}
