/**
 * A name as the kernel and tar have it: bytes, none of them NUL. One character is one byte, so that names which are
 * not UTF-8 survive and names can still be keys of maps.
 */
export type ByteName = string;

/** What a system call takes for the name: text where that is the same, else bytes. */
export function toPath(name: ByteName): string | Uint8Array {
  return isAscii(name) ? name : Buffer.from(name, "latin1");
}

/** The name for people and for JSON: UTF-8, with what is not UTF-8 replaced. */
export function toText(name: ByteName): string {
  return isAscii(name) ? name : Buffer.from(name, "latin1").toString();
}

export function fromText(text: string): ByteName {
  return isAscii(text) ? text : Buffer.from(text).toString("latin1");
}

function isAscii(name: string): boolean {
  for (let index = 0; index < name.length; index += 1) {
    if (name.charCodeAt(index) > 0x7f) return false;
  }
  return true;
}
