import { encodeHeader, endOfArchive, type NewTarEntry, paddingAfter } from "../tar/encoder.ts";

export interface Member extends NewTarEntry {
  readonly data?: string | Uint8Array;
}

/** An archive of what the test says. */
export function makeTar(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ data = "", ...entry }) => {
    const bytes = Buffer.from(data);
    const mode = entry.type === "directory" ? 0o755 : 0o644;
    return [encodeHeader({ mode, ...entry, sizeBytes: bytes.length }), bytes, paddingAfter(bytes.length)];
  });
  return Buffer.concat([...blocks, endOfArchive]);
}
