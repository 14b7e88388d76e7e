import { AT_FDCWD } from "./at.ts";
import { cString, type Path, systemCall } from "./system-call.ts";

const utimensat = systemCall<[number, string | Uint8Array | null, Uint8Array, number]>(
  "int utimensat(int, const char *, const void *, int)",
);
const AT_SYMLINK_NOFOLLOW = 0x100;

/** Sets times in nanoseconds since 1970, of a symlink itself, too. `directory` is an open one, or the current. */
export function setTimes(
  path: Path,
  times: { readonly accessedNs: bigint; readonly modifiedNs: bigint },
  directory = AT_FDCWD,
): void {
  const struct = Buffer.alloc(32);
  writeTime(struct, 0, times.accessedNs);
  writeTime(struct, 16, times.modifiedNs);
  utimensat(directory, cString(path), struct, AT_SYMLINK_NOFOLLOW);
}

function writeTime(struct: Buffer, offset: number, time: bigint): void {
  const second = 1_000_000_000n;
  const nanoseconds = ((time % second) + second) % second;
  struct.writeBigInt64LE((time - nanoseconds) / second, offset);
  struct.writeBigInt64LE(nanoseconds, offset + 8);
}
