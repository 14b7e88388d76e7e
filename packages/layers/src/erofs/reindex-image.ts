import { closeSync, ftruncateSync, lstatSync, openSync, readSync } from "node:fs";
import { TarDecoder } from "../tar/decoder.ts";
import { decodeHeader, headerBytes } from "./format.ts";
import { type WrittenImage, writeIndex } from "./image-file.ts";
import { inheritedFrom } from "./inherited.ts";
import { LayerNodes } from "./layer-nodes.ts";
import type { UnpackImageOptions } from "./unpack-image.ts";

const pieceBytes = 1 << 18;

/**
 * Makes the index of an image anew from the tar in it: of one that was made before the layers below it were there. Until
 * it returns, the file is no image. Synchronous: meant for a thread.
 */
export function reindexImage(
  path: string,
  { root, parents = [], ...options }: UnpackImageOptions,
): WrittenImage {
  const fd = openSync(path, "r+");
  try {
    const header = Buffer.alloc(headerBytes);
    readSync(fd, header, 0, headerBytes, 0);
    const { tarBytes, tarHash } = decodeHeader(header);
    const nodes = new LayerNodes({ ...options, inherited: inheritedFrom(parents) });
    const { uid, gid, mode } = lstatSync(root);
    Object.assign(nodes.root, { uid, gid, mode: mode & 0o7777 });
    decodeTar(fd, tarBytes, new TarDecoder(nodes));
    ftruncateSync(fd, headerBytes + tarBytes);
    return writeIndex(fd, { fd, start: headerBytes, bytes: tarBytes, hash: tarHash }, nodes);
  } finally {
    closeSync(fd);
  }
}

function decodeTar(fd: number, tarBytes: number, decoder: TarDecoder): void {
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  for (let at = 0; at < tarBytes;) {
    const read = readSync(fd, buffer, 0, Math.min(pieceBytes, tarBytes - at), headerBytes + at);
    if (read === 0) break;
    decoder.write(buffer.subarray(0, read));
    at += read;
  }
  decoder.end();
}
