import { Fault } from "@slipway/fault/fault";
import { blockBytes, padded, type SparseRegion, type TarEntry } from "./entry.ts";
import { readHeader, type TarHeader, text } from "./header.ts";
import { paxNumber, type PaxRecords, readPax } from "./pax.ts";
import { checkRegions, readOldRegions, readRegionList, RegionLines } from "./sparse.ts";
import { readNumber } from "./numbers.ts";
import { toEntry } from "./to-entry.ts";

/** Takes what a decoder finds, in the archive's order. */
export interface TarSink {
  /** A member begins. What there is of its data stands in the archive at `dataOffset`, in one piece. */
  entry(entry: TarEntry, dataOffset: number): void;
  /** Data of the member, which belongs at `position` in bytes. Valid until the call returns. */
  data?(bytes: Uint8Array, position: number): void;
  /** The member is complete. */
  end?(): void;
}

// Go's reader has the same limit for what stands before a member: names, pax records, sparse maps.
const maxPreludeBytes = 1 << 20;

/**
 * Reads tar of the formats V7, ustar, GNU and pax, with long names, pax records and sparse files. Does no I/O: bytes
 * are pushed in, members come out at the sink during the call.
 */
export class TarDecoder {
  readonly #sink: TarSink;
  // What the next member's own header does not say.
  #records: PaxRecords = new Map();
  #longName: string | undefined;
  #longLink: string | undefined;
  #sawZeroBlock = false;
  #done = false;
  // Where the chunk, and what follows the gathered bytes, stand in the archive.
  #chunkStart = 0;
  #offset = 0;
  // Gathers a block, or a prelude, from pieces.
  #pending = Buffer.alloc(0);
  #wanted = blockBytes;
  readonly #takeHeader = (block: Buffer): void => this.#header(block, 0);
  #take = this.#takeHeader;
  // The member's data.
  #regions: SparseRegion[] = [];
  #region = 0;
  #inRegion = 0;
  #dataLeft = 0;
  #paddingLeft = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** @throws {Fault} `invalid_argument` */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    // What follows the archive's end belongs to nobody.
    while (at < bytes.length && !this.#done) {
      if (this.#dataLeft > 0) at += this.#data(bytes, at);
      else if (this.#paddingLeft > 0) {
        const skipped = Math.min(this.#paddingLeft, bytes.length - at);
        this.#paddingLeft -= skipped;
        at += skipped;
      } else if (this.#isBetweenMembers && at + blockBytes <= bytes.length) {
        this.#offset = this.#chunkStart + at + blockBytes;
        this.#header(bytes, at);
        at += blockBytes;
      } else at = this.#gather(bytes, at);
    }
    this.#chunkStart += bytes.length;
  }

  /**
   * The archive ends. Its end mark may be missing, and so may what pads the last member's data: there are such layers
   * (`umoci insert` writes them), and Go's reader takes them.
   * @throws {Fault} `data_loss` when it was cut off inside of a member
   */
  end(): void {
    const isInside =
      this.#take !== this.#takeHeader ||
      this.#pending.length + this.#records.size + this.#dataLeft > 0 ||
      (this.#longName ?? this.#longLink) !== undefined;
    if (this.#done || !isInside) return;
    throw new Fault("data_loss", "Cannot read tar: unexpected end of the archive");
  }

  /** Whether the archive's end mark was read: what follows it is ignored. */
  get isAtEnd(): boolean {
    return this.#done;
  }

  /** Whether a header is next, of which nothing has come. */
  get #isBetweenMembers(): boolean {
    return this.#take === this.#takeHeader && this.#pending.length === 0;
  }

  #gather(bytes: Buffer, at: number): number {
    const length = Math.min(this.#wanted - this.#pending.length, bytes.length - at);
    const piece = bytes.subarray(at, at + length);
    this.#offset = this.#chunkStart + at + length;
    if (this.#pending.length === 0 && length === this.#wanted) this.#take(piece);
    else {
      this.#pending = Buffer.concat([this.#pending, piece]);
      if (this.#pending.length === this.#wanted) {
        const whole = this.#pending;
        this.#pending = Buffer.alloc(0);
        this.#take(whole);
      }
    }
    return at + length;
  }

  #expect(wanted: number, take: (bytes: Buffer) => void): void {
    if (wanted > maxPreludeBytes) {
      throw new Fault("invalid_argument", `Cannot read tar header: ${wanted} bytes of records are too many`);
    }
    this.#wanted = wanted;
    this.#take = take;
    if (wanted === 0) take(Buffer.alloc(0));
  }

  #expectHeader(): void {
    this.#expect(blockBytes, this.#takeHeader);
  }

  #header(bytes: Buffer, at: number): void {
    const header = readHeader(bytes, at);
    if (!header) {
      if (this.#sawZeroBlock) this.#done = true;
      this.#sawZeroBlock = true;
      return;
    }
    if (this.#sawZeroBlock)
      throw new Fault("invalid_argument", "Cannot read tar: a member follows the end mark");
    const { type, sizeBytes } = header;
    if (sizeBytes < 0) throw new Fault("invalid_argument", "Cannot read tar header: a size is negative");
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      this.#expect(padded(sizeBytes), (bytes) => this.#prelude(type, bytes.subarray(0, sizeBytes)));
    } else if (type === "S") this.#oldSparse(header, bytes.subarray(at, at + blockBytes));
    else if (this.#records.size === 0) this.#begin(header);
    else this.#member(header);
  }

  #prelude(type: "x" | "g" | "L" | "K", bytes: Buffer): void {
    if (type === "x") readPax(Buffer.from(bytes), this.#records);
    else if (type === "L") this.#longName = text(bytes, 0, bytes.length);
    else if (type === "K") this.#longLink = text(bytes, 0, bytes.length);
    // Global records ("g") say nothing that a layer may use; containerd passes over them, too.
    this.#expectHeader();
  }

  #oldSparse(header: TarHeader, block: Buffer): void {
    const sizeBytes = readNumber(block, 483, 12);
    const { regions, more } = readOldRegions(block, 386, 4);
    const next = (extension: Buffer): void => {
      const found = readOldRegions(extension, 0, 21);
      regions.push(...found.regions);
      if (regions.length * 24 > maxPreludeBytes)
        throw new Fault("invalid_argument", "Cannot read tar header: too many holes");
      if (found.more) this.#expect(blockBytes, next);
      else this.#begin({ ...header, type: "0" }, { regions, sizeBytes });
    };
    if (more) this.#expect(blockBytes, next);
    else this.#begin({ ...header, type: "0" }, { regions, sizeBytes });
  }

  #member(header: TarHeader): void {
    const map = this.#records.get("GNU.sparse.map");
    const realSize =
      paxNumber(this.#records, "GNU.sparse.realsize") ?? paxNumber(this.#records, "GNU.sparse.size") ?? 0;
    if (this.#records.get("GNU.sparse.major")?.toString() === "1") this.#mapBeforeData(header, realSize);
    else if (map)
      this.#begin(header, { regions: readRegionList(map.toString("latin1")), sizeBytes: realSize });
    else this.#begin(header);
  }

  // The map takes whole blocks of what the header counts as data.
  #mapBeforeData(header: TarHeader, sizeBytes: number): void {
    const lines = new RegionLines();
    let mapBytes = 0;
    const next = (block: Buffer): void => {
      mapBytes += blockBytes;
      const regions = lines.add(block);
      if (regions) this.#begin(header, { regions, sizeBytes, mapBytes });
      else this.#expect(blockBytes, next);
    };
    this.#expect(blockBytes, next);
  }

  #begin(
    header: TarHeader,
    sparse?: { regions: SparseRegion[]; sizeBytes: number; mapBytes?: number },
  ): void {
    const plain = toEntry(header, this.#records, this.#longName, this.#longLink);
    const stored = plain.sizeBytes - (sparse?.mapBytes ?? 0);
    const entry: TarEntry = sparse
      ? { ...plain, sizeBytes: sparse.sizeBytes, sparse: sparse.regions }
      : plain;
    if (sparse) checkRegions(sparse.regions, sparse.sizeBytes, stored);
    if (this.#records.size > 0) this.#records = new Map();
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#expectHeader();
    this.#regions = sparse?.regions ?? [{ offset: 0, length: stored }];
    this.#region = 0;
    this.#inRegion = 0;
    this.#dataLeft = stored;
    this.#paddingLeft = padded(stored) - stored;
    this.#sink.entry(entry, this.#offset);
    if (stored === 0) this.#sink.end?.();
  }

  #data(bytes: Buffer, at: number): number {
    const region = this.#regions[this.#region];
    if (!region) throw new Fault("internal", "Cannot read tar: data without a region");
    const length = Math.min(region.length - this.#inRegion, bytes.length - at);
    if (length > 0) this.#sink.data?.(bytes.subarray(at, at + length), region.offset + this.#inRegion);
    this.#inRegion += length;
    this.#dataLeft -= length;
    if (this.#inRegion === region.length) {
      this.#region += 1;
      this.#inRegion = 0;
    }
    if (this.#dataLeft === 0) this.#sink.end?.();
    return length;
  }
}
