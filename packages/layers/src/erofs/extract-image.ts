import { applyMembers, type ApplyLayerOptions } from "../apply/apply.ts";
import { walkImage } from "./read/walk-image.ts";

export interface ExtractImageOptions extends ApplyLayerOptions {
  /** The files that are the image's extra devices. */
  readonly devices?: readonly string[];
}

/**
 * Applies what is in an EROFS image to the directory `root`, without the kernel's help. Calls the file system
 * synchronously: meant for a worker thread.
 * @returns the bytes of all files
 * @throws {Fault} as walkImage() and applyLayer()
 */
export async function extractImage(
  path: string,
  root: string,
  { devices = [], ...options }: ExtractImageOptions,
): Promise<number> {
  return await applyMembers(root, options, (writer) =>
    walkImage(path, devices, {
      member: (entry) => writer.member(entry),
      // Among layers for overlayfs, the device itself is what says so.
      whiteout: (entry) =>
        options.whiteouts === "overlay" ? writer.member(entry) : writer.whiteout(entry.name, entry),
      opaque: (directory) => writer.opaque(directory),
      data: (bytes, position) => writer.data(bytes, position),
      end: () => writer.end(),
    }),
  );
}
