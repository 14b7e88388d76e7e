import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { damaged } from "./damage.ts";
import { decodeSuperblock, type ImageLayout } from "./superblock.ts";

/** A range of one of the files that an image is made of. */
export interface Place {
  /** 0 is the image itself, 1 and more are its devices. */
  readonly file: number;
  /** In bytes. */
  readonly offset: number;
}

// Enough for a superblock in the largest block, and for hundreds of devices behind it.
const headBytes = 1 << 16;

/** The bytes of an image and of its extra devices. Nothing is read that is not there. */
export class ImageBytes implements Disposable {
  readonly layout: ImageLayout;
  readonly #files: { readonly fd: number; readonly sizeBytes: number }[] = [];

  /** @throws {Fault} as decodeSuperblock(), `failed_precondition` when the image has other devices than these */
  constructor(path: string, devices: readonly string[]) {
    try {
      for (const each of [path, ...devices]) {
        const fd = openSync(each, "r");
        this.#files.push({ fd, sizeBytes: fstatSync(fd).size });
      }
      this.layout = decodeSuperblock(this.read({ file: 0, offset: 0 }, Math.min(headBytes, this.sizeBytes)));
      const expected = this.layout.devices.length;
      if (expected !== devices.length) {
        const what = `it has ${expected} extra devices, and ${devices.length} were given`;
        throw new Fault("failed_precondition", `Cannot read EROFS image: ${what}`);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Of the image itself. */
  get sizeBytes(): number {
    return this.#files[0]?.sizeBytes ?? 0;
  }

  /** @throws {Fault} `data_loss` when the range is not all there */
  read(place: Place, length: number): Buffer {
    this.#check(place, length);
    const bytes = Buffer.allocUnsafe(length);
    this.#readInto(bytes, place);
    return bytes;
  }

  /** A long range, piece by piece. A piece is good until the next is asked for. */
  *pieces({ file, offset }: Place, length: number): Generator<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(length, 1 << 20));
    for (let done = 0; done < length; done += buffer.length) {
      const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
      this.#readInto(piece, { file, offset: offset + done });
      yield piece;
    }
  }

  /** Which file has the range that begins with block `block`. @throws {Fault} `data_loss` when none has all of it */
  locate(block: number, length: number, device = 0): Place {
    const { devices, blockBytes } = this.layout;
    const holds = ({ firstBlock, blocks }: (typeof devices)[number]): boolean =>
      firstBlock > 0 && block >= firstBlock && block < firstBlock + blocks;
    const found = device === 0 ? devices.findIndex(holds) + 1 : device;
    const base = device === 0 ? (devices[found - 1]?.firstBlock ?? 0) : 0;
    const place = { file: found, offset: (block - base) * blockBytes };
    this.#check(place, length);
    return place;
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#files.splice(0)) closeSync(fd);
  }

  #check({ file, offset }: Place, length: number): { readonly fd: number } {
    const found = this.#files[file];
    if (!found) throw damaged("something is on a device that it does not have");
    if (offset < 0 || length < 0 || offset + length > found.sizeBytes)
      throw damaged("something is beyond its end");
    return found;
  }

  #readInto(bytes: Buffer, place: Place): void {
    const { fd } = this.#check(place, bytes.length);
    for (let done = 0; done < bytes.length;) {
      const read = readSync(fd, bytes, done, bytes.length - done, place.offset + done);
      if (read === 0) throw damaged("it became shorter");
      done += read;
    }
  }
}
