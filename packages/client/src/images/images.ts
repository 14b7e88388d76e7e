import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Image as ImageMessage,
  type ImageSchema,
  Images,
} from "@slipway/api/containerd/services/images/v1/images_pb";
import type { Image, ImageStore, ImageUpdate, NewImage } from "@slipway/core/images";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Calls } from "../connect/calls.ts";
import { fromDescriptor, maskOf, required, toDate, toDescriptor } from "../connect/messages.ts";
import { toTimestamp } from "@slipway/rpc/timestamp";

/** The daemon's images of one namespace. */
export class RemoteImageStore implements ImageStore {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async get(name: string): Promise<Image> {
    const { image } = await this.#calls.unary(Images.method.get, { name });
    return fromMessage(required(image, "image"));
  }

  async list(filters: readonly string[] = []): Promise<Image[]> {
    const { images } = await this.#calls.unary(Images.method.list, { filters: [...filters] });
    return images.map(fromMessage);
  }

  async create(image: NewImage): Promise<Image> {
    const made = await this.#calls.unary(Images.method.create, { image: toMessage(image) });
    return fromMessage(required(made.image, "image"));
  }

  async update(image: ImageUpdate, fieldPaths?: readonly string[]): Promise<Image> {
    const request = { image: toMessage(image), ...maskOf(fieldPaths) };
    return fromMessage(required((await this.#calls.unary(Images.method.update, request)).image, "image"));
  }

  async delete(
    name: string,
    options: { readonly sync?: boolean; readonly target?: Descriptor } = {},
  ): Promise<void> {
    const { sync = false, target } = options;
    const request = { name, sync, ...(target ? { target: toDescriptor(target) } : {}) };
    await this.#calls.unary(Images.method.delete, request);
  }
}

function toMessage(image: ImageUpdate): MessageInitShape<typeof ImageSchema> {
  return {
    name: image.name,
    labels: { ...image.labels },
    ...(image.target ? { target: toDescriptor(image.target) } : {}),
    ...(image.createdAt ? { createdAt: toTimestamp(image.createdAt) } : {}),
    ...(image.updatedAt ? { updatedAt: toTimestamp(image.updatedAt) } : {}),
  };
}

function fromMessage(message: ImageMessage): Image {
  return {
    name: message.name,
    labels: message.labels,
    target: fromDescriptor(required(message.target, "target")),
    createdAt: toDate(message.createdAt),
    updatedAt: toDate(message.updatedAt),
  };
}
