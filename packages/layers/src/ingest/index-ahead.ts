import { closeSync, openSync } from "node:fs";
import { aheadRoot } from "./ahead-root.ts";
import { headerBytes } from "../erofs/format.ts";
import { type WrittenImage, writeIndex } from "../erofs/image-file.ts";
import { LayerNodes } from "../erofs/layer-nodes.ts";
import { TarDecoder } from "../tar/decoder.ts";
import { readRingInTurns } from "../threads/byte-ring.ts";
import type { AheadTar } from "./ahead-tar.ts";

/** A layer's image that was made before anybody said what it is to be applied to. */
export interface AheadImage extends WrittenImage {
  /** Whether its tree has directories that the layer does not speak of: theirs are the attributes of the layers below. */
  readonly guessesDirectories: boolean;
  /** What the rules do not allow. */
  readonly ignored: readonly string[];
}

const mostIgnored = 100;

/**
 * Makes the index of a layer's image while another thread makes its tar.
 * @throws {Fault} as applyLayer(), and when the tar does not come whole
 */
export async function indexAhead({ path, ring, hash }: AheadTar): Promise<AheadImage> {
  const ignored: string[] = [];
  const nodes = new LayerNodes({
    onIgnored: (what) => {
      if (ignored.length < mostIgnored) ignored.push(what);
    },
  });
  Object.assign(nodes.root, aheadRoot);
  const decoder = new TarDecoder(nodes);
  let bytes = 0;
  for await (const tar of readRingInTurns(ring)) {
    decoder.write(tar);
    bytes += tar.length;
  }
  decoder.end();
  const fd = openSync(path, "r+");
  try {
    const written = writeIndex(fd, { fd, start: headerBytes, bytes, hash: new Uint8Array(hash) }, nodes);
    return { ...written, guessesDirectories: nodes.guessesDirectories, ignored };
  } finally {
    closeSync(fd);
  }
}
