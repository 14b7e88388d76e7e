import { systemCall } from "./system-call.ts";

const prctl = systemCall<[number, number, number, number, number]>(
  "int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)",
);

/** PR_SET_CHILD_SUBREAPER: orphans among our descendants become our children, so that we learn how they end. */
export function becomeSubreaper(): void {
  prctl(36, 1, 0, 0, 0);
}

/** PR_SET_PDEATHSIG: `signal` comes when the parent dies. */
export function setParentDeathSignal(signal: number): void {
  prctl(1, signal, 0, 0, 0);
}
