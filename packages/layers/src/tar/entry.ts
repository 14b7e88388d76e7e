import type { ByteName } from "../bytes-name.ts";

export type TarType = "file" | "link" | "symlink" | "character" | "block" | "directory" | "fifo";

/** Where a piece of a sparse file's data belongs. */
export interface SparseRegion {
  readonly offset: number;
  readonly length: number;
}

/** One member of an archive, after long names, pax records and sparse maps were read into it. */
export interface TarEntry {
  readonly type: TarType;
  readonly name: ByteName;
  /** Of a link or symlink; empty else. */
  readonly linkName: ByteName;
  /** The permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The file's length in bytes, holes included. */
  readonly sizeBytes: number;
  /** Since 1970. */
  readonly modifiedNs: bigint;
  readonly accessedNs?: bigint;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes by full name, such as `security.capability`. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** Where the data is; all of the file unless told. */
  readonly sparse?: readonly SparseRegion[];
}

export const blockBytes = 512;

/** The blocks' bytes that hold `sizeBytes`. */
export function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / blockBytes) * blockBytes;
}
