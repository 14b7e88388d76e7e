const bell = new Int32Array(new SharedArrayBuffer(4));

/** Makes a thread of its own sleep as long as its bytes should have taken. To be told of each piece of work. */
export function pacer(bytesPerSecond: number): (bytes: number) => void {
  let freeAtMs = performance.now();
  return (bytes) => {
    freeAtMs = Math.max(freeAtMs, performance.now() - 1000) + (bytes / bytesPerSecond) * 1000;
    const waitMs = freeAtMs - performance.now();
    // Short sleeps are longer than they say.
    if (waitMs > 10) Atomics.wait(bell, 0, 0, waitMs);
  };
}
