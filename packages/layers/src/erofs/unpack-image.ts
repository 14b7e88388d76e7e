import { lstatSync, renameSync, rmSync } from "node:fs";
import type { LayerLimits } from "../apply/layer-writer.ts";
import { inflate } from "../compression/inflate.ts";
import { ImageFile, type WrittenImage } from "./image-file.ts";
import { inheritedFrom } from "./inherited.ts";

export interface UnpackImageOptions {
  /** The directory that the image will be mounted on: its owner and mode are those of the image's root. */
  readonly root: string;
  /** The directories of the layers below, topmost first: attributes of directories that the layer leaves out. */
  readonly parents?: readonly string[];
  readonly limits?: LayerLimits;
  readonly onIgnored?: (what: string) => void;
}

/**
 * Decompresses a layer and writes it to the new file `path` as an image, which is there complete or not at all. It is
 * not durable. Calls the file system synchronously: meant for a worker thread.
 * @throws {Fault} as applyLayer()
 */
export async function unpackImage(
  blob: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  path: string,
  { root, parents = [], ...options }: UnpackImageOptions,
): Promise<WrittenImage> {
  const { uid, gid, mode } = lstatSync(root);
  const part = `${path}.part`;
  // What a daemon left behind that was killed.
  rmSync(part, { force: true });
  try {
    using image = new ImageFile(
      part,
      { uid, gid, mode: mode & 0o7777 },
      {
        ...options,
        inherited: inheritedFrom(parents),
      },
    );
    for await (const chunk of inflate(blob)) image.write(chunk);
    const written = image.finish();
    renameSync(part, path);
    return written;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
