import { MS } from "./mount-flags.ts";

interface ParsedMountOptions {
  readonly flags: number;
  readonly propagation: readonly number[];
  readonly data: readonly string[];
}

/** Splits mount(8) options into mount(2)'s flags, propagation changes (calls of their own) and file system data. */
export function parseMountOptions(options: readonly string[]): ParsedMountOptions {
  let flags = 0;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const option of options) {
    const flag = flagOptions[option];
    const change = propagationOptions[option];
    if (flag) flags = flag.clear ? flags & ~flag.bits : flags | flag.bits;
    else if (change) propagation.push(change);
    else if (option !== "" && !option.startsWith("X-")) data.push(option);
  }
  return { flags, propagation, data };
}

const set = (bits: number): { bits: number; clear: boolean } => ({ bits, clear: false });
const clear = (bits: number): { bits: number; clear: boolean } => ({ bits, clear: true });
const flagOptions: Record<string, { bits: number; clear: boolean }> = {
  async: clear(MS.SYNCHRONOUS),
  atime: clear(MS.NOATIME),
  bind: set(MS.BIND),
  defaults: set(0),
  dev: clear(MS.NODEV),
  diratime: clear(MS.NODIRATIME),
  dirsync: set(MS.DIRSYNC),
  exec: clear(MS.NOEXEC),
  lazytime: set(MS.LAZYTIME),
  mand: set(MS.MANDLOCK),
  noatime: set(MS.NOATIME),
  nodev: set(MS.NODEV),
  nodiratime: set(MS.NODIRATIME),
  noexec: set(MS.NOEXEC),
  nomand: clear(MS.MANDLOCK),
  norelatime: clear(MS.RELATIME),
  nostrictatime: clear(MS.STRICTATIME),
  nosuid: set(MS.NOSUID),
  nosymfollow: set(MS.NOSYMFOLLOW),
  rbind: set(MS.BIND | MS.REC),
  relatime: set(MS.RELATIME),
  remount: set(MS.REMOUNT),
  ro: set(MS.RDONLY),
  rw: clear(MS.RDONLY),
  strictatime: set(MS.STRICTATIME),
  suid: clear(MS.NOSUID),
  sync: set(MS.SYNCHRONOUS),
};
const propagationOptions: Record<string, number> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE | MS.REC,
  shared: MS.SHARED,
  rshared: MS.SHARED | MS.REC,
  slave: MS.SLAVE,
  rslave: MS.SLAVE | MS.REC,
  unbindable: MS.UNBINDABLE,
  runbindable: MS.UNBINDABLE | MS.REC,
};
