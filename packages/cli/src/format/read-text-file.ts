import { closeSync, openSync, readSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";

const maxBytes = 16 * 1024 * 1024;

/** Why a file that a flag names cannot be read, by the system's code. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "access is denied",
  ELOOP: "its symbolic links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  ENXIO: "it is not a file",
};

/**
 * The text of a file that a flag names: a pipe, too, as a shell makes it of `<(command)`. A byte order mark is left out.
 * @param what is named in the error, such as `environment file "a.env"`
 * @throws {Fault} `invalid_argument`
 */
export function readTextFile(what: string, path: string): string {
  try {
    return decoded(what, readBytes(what, path));
  } catch (error) {
    if (error instanceof Fault) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why = path === "" ? "no file is named" : (reasons[code] ?? (code || String(error)));
    throw new Fault("invalid_argument", `Cannot read ${what}: ${why}`, { cause: error });
  }
}

/** Bytes that are no text would be replaced, and nobody would notice. */
function decoded(what: string, bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  if (text.includes("\0"))
    throw new Fault("invalid_argument", `Cannot read ${what}: it has bytes of value 0`);
  if (text.includes("\uFFFD")) throw new Fault("invalid_argument", `Cannot read ${what}: it is not UTF-8`);
  return text;
}

function readBytes(what: string, path: string): Uint8Array {
  const file = openSync(path, "r");
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.alloc(64 * 1024);
      const length = readSync(file, chunk);
      if (length === 0) return Buffer.concat(chunks);
      size += length;
      // A device may never end.
      if (size > maxBytes) {
        throw new Fault("invalid_argument", `Cannot read ${what}: it has more than ${maxBytes} bytes`);
      }
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}
