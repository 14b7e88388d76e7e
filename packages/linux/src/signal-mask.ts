import { systemCall } from "./system-call.ts";

const pthreadSigmask = systemCall<[how: number, set: Uint8Array, old: null]>(
  "int pthread_sigmask(int, const void *, void *)",
  "pthread_sigmask",
);
const SIG_UNBLOCK = 1;
/** sizeof(sigset_t) of glibc; musl's is no larger. */
const SIGNAL_SET_BYTES = 128;

/** pthread_sigmask(3) with SIG_UNBLOCK: the calling thread takes the signal. */
export function unblockSignal(signal: number): void {
  const set = Buffer.alloc(SIGNAL_SET_BYTES);
  const bit = signal - 1;
  set[bit >> 3] = 1 << (bit & 7);
  pthreadSigmask(SIG_UNBLOCK, set, null);
}
