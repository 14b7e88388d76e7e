import type { Descriptor } from "@slipway/oci/descriptor";
import type { Labels } from "../labels.ts";

/** A name and what it points to. The content is the content store's. */
export interface Image {
  readonly name: string;
  readonly labels: Labels;
  readonly target: Descriptor;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type NewImage = Pick<Image, "name" | "labels" | "target"> &
  Partial<Pick<Image, "createdAt" | "updatedAt">>;

export type ImageUpdate = Omit<NewImage, "target"> & Partial<Pick<NewImage, "target">>;

/** Keeps images of one namespace. Defined by containerd's core/images/image.go. */
export interface ImageStore {
  /** @throws {Fault} `not_found` */
  get(name: string): Promise<Image>;
  list(filters?: readonly string[]): Promise<Image[]>;
  /** @throws {Fault} `already_exists` */
  create(image: NewImage): Promise<Image>;
  /**
   * `fieldPaths`: `labels`, `labels.NAME`, `target`, `annotations`, `annotations.NAME`; everything is replaced without
   * it. The target is needed when it is replaced.
   */
  update(image: ImageUpdate, fieldPaths?: readonly string[]): Promise<Image>;
  /** `target`: delete only while the image points there. `sync`: collect what became garbage before returning. */
  delete(name: string, options?: { readonly sync?: boolean; readonly target?: Descriptor }): Promise<void>;
}
