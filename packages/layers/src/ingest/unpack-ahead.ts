import { rmSync } from "node:fs";
import { Inflation } from "../compression/inflate.ts";
import { aheadRoot } from "./ahead-root.ts";
import { ImageFile, type WrittenImage } from "../erofs/image-file.ts";

/** A layer's image that was made before anybody said what it is to be applied to. */
export interface AheadImage extends WrittenImage {
  /** Whether its tree has directories that the layer does not speak of: theirs are the attributes of the layers below. */
  readonly guessesDirectories: boolean;
  /** What the rules do not allow. */
  readonly ignored: readonly string[];
}

const mostIgnored = 100;

/** Makes an image of a layer whose compressed bytes are pushed in. What goes wrong ends it, and is no concern of others. */
export class UnpackAhead implements Disposable {
  readonly #path: string;
  readonly #ignored: string[] = [];
  readonly #inflation = new Inflation();
  #image: ImageFile | undefined;
  #isMade = false;
  #hasFailed = false;

  /** `path` is made anew. */
  constructor(path: string) {
    this.#path = path;
    this.#attempt(() => {
      rmSync(path, { force: true });
      this.#image = new ImageFile(path, aheadRoot, {
        onIgnored: (what) => {
          if (this.#ignored.length < mostIgnored) this.#ignored.push(what);
        },
      });
    });
  }

  write(blob: Uint8Array): void {
    this.#attempt((image) => {
      for (const tar of this.#inflation.push(blob)) image?.write(tar);
    });
  }

  /** Nothing when it went wrong. */
  finish(): AheadImage | undefined {
    return this.#attempt((image): AheadImage | undefined => {
      if (!image) return undefined;
      for (const tar of this.#inflation.end()) image.write(tar);
      const written = image.finish();
      this.#isMade = true;
      return { ...written, guessesDirectories: image.guessesDirectories, ignored: this.#ignored };
    });
  }

  [Symbol.dispose](): void {
    this.#inflation[Symbol.dispose]();
    this.#image?.[Symbol.dispose]();
    if (!this.#isMade) rmSync(this.#path, { force: true });
  }

  #attempt<T>(work: (image: ImageFile | undefined) => T): T | undefined {
    if (this.#hasFailed) return undefined;
    try {
      return work(this.#image);
    } catch {
      // Who applies the layer will meet the same, and tell of it.
      this.#hasFailed = true;
      return undefined;
    }
  }
}
