import { staticTable } from "./static-table.ts";

/** Tells a decoder whose table became smaller than HTTP/2's that ours has nothing: RFC 7541, section 4.2. */
export const emptyTable = Buffer.from([0x20]);

/**
 * A header block that adds nothing to its reader's table, so that it may be sent at any time, and again: answers are few
 * and short, and their constant ones are made once.
 */
export function encodeHeaders(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(Object.entries(fields).map(([name, value]) => encodeField(name, value)));
}

function encodeField(name: string, value: string): Buffer {
  const whole = staticTable.findIndex(([one, its]) => one === name && its === value);
  if (whole >= 0) return number(whole + 1, 7, 0x80);
  const named = staticTable.findIndex(([one]) => one === name);
  return Buffer.concat([number(named + 1, 4, 0), ...(named < 0 ? [text(name)] : []), text(value)]);
}

function text(characters: string): Buffer {
  const bytes = Buffer.from(characters, "latin1");
  return Buffer.concat([number(bytes.length, 7, 0), bytes]);
}

/** `bits` are those before the number in its first byte. */
function number(value: number, prefixBits: number, bits: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([bits | value]);
  const bytes = [bits | most];
  let rest = value - most;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
