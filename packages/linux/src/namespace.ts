import { systemCall } from "./system-call.ts";

const setnsCall = systemCall<[fd: number, type: number]>("int setns(int, int)");
const unshareCall = systemCall<[flags: number]>("int unshare(int)");

/** CLONE_NEW* of clone(2). */
export const CLONE = {
  NEWTIME: 0x80,
  NEWNS: 0x20000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
} as const;

/** setns(2), of the calling thread alone. */
export function enterNamespace(fd: number, type = 0): void {
  setnsCall(fd, type);
}

/** unshare(2), of the calling thread alone. */
export function unshare(flags: number): void {
  unshareCall(flags);
}
