import { closeSync, openSync } from "node:fs";
import { systemCall } from "./system-call.ts";

const ioctl = systemCall<[fd: number, request: number, argument: Uint8Array]>(
  "int ioctl(int, unsigned long, void *)",
);
const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const O_RDWR = 2;
const O_NOCTTY = 0o400;

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/** A new pseudo terminal: the master's descriptor and the path of the terminal. */
export function openPty(): { readonly master: number; readonly path: string } {
  const master = openSync("/dev/ptmx", O_RDWR | O_NOCTTY);
  try {
    const word = Buffer.alloc(4);
    ioctl(master, TIOCSPTLCK, word);
    ioctl(master, TIOCGPTN, word);
    return { master, path: `/dev/pts/${word.readUInt32LE(0)}` };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/** TIOCSWINSZ: the programs on the terminal get SIGWINCH. */
export function setWindowSize(fd: number, size: WindowSize): void {
  const struct = Buffer.alloc(8);
  struct.writeUInt16LE(size.rows, 0);
  struct.writeUInt16LE(size.columns, 2);
  ioctl(fd, TIOCSWINSZ, struct);
}

/** TIOCGWINSZ. */
export function windowSize(fd: number): WindowSize {
  const struct = Buffer.alloc(8);
  ioctl(fd, TIOCGWINSZ, struct);
  return { rows: struct.readUInt16LE(0), columns: struct.readUInt16LE(2) };
}

/** TCGETS: the terminal's settings, to be given back to `setTerminal`. */
export function terminalSettings(fd: number): Uint8Array {
  const struct = Buffer.alloc(60);
  ioctl(fd, TCGETS, struct);
  return struct;
}

/** TCSETS. */
export function setTerminal(fd: number, settings: Uint8Array): void {
  ioctl(fd, TCSETS, Buffer.from(settings));
}

/** cfmakeraw(3) of settings: every key goes to the program as it is. */
export function rawSettings(settings: Uint8Array): Uint8Array {
  const raw = Buffer.from(settings);
  const clear = (offset: number, bits: number): void => {
    raw.writeUInt32LE((raw.readUInt32LE(offset) & ~bits) >>> 0, offset);
  };
  clear(0, 0o2753); // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
  clear(4, 0o1); // OPOST
  clear(12, 0o100113); // ECHO ECHONL ICANON ISIG IEXTEN
  clear(8, 0o460); // CSIZE PARENB
  raw.writeUInt32LE(raw.readUInt32LE(8) | 0o60, 8); // CS8
  return raw;
}
