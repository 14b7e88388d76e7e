/*
 * Bytes from one thread to another, through memory that both have: nothing is allocated for them, and the thread that
 * takes them need not have an event loop.
 */

import { setImmediate } from "node:timers/promises";

/** What the two ends share. It can be sent to a thread. */
export interface SharedRing {
  readonly words: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}

/**
 * How long rings are, in bytes, of a blob, and of the tar in it. Each piece costs: a twentieth of a large layer's time with
 * rings half as long (bench/pull.ts). Where many blobs come at once, their memory counts for more. Powers of two: counters of
 * 32 bits pass over their end, and positions do not notice.
 */
export const ringBytes = (blobs: number): { readonly blob: number; readonly tar: number } =>
  blobs <= 4 ? { blob: 1 << 20, tar: 1 << 21 } : { blob: 1 << 19, tar: 1 << 20 };
/** A piece is no more of a ring: while one end has a piece, the other has one, too. */
const piecesOfRing = 2;

/**
 * The words: bytes ever written and taken; what the writer said last; how often it said something; whether it waits; how
 * often the reader took some or left; whether it has left.
 */
const WORD = { WRITTEN: 0, TAKEN: 1, STATE: 2, CHANGES: 3, WAITS: 4, MOVES: 5, LEFT: 6, COUNT: 7 } as const;
const STATE = { OPEN: 0, ENDED: 1, ABORTED: 2 } as const;

export function newRing(bytes: number): SharedRing {
  return {
    words: new SharedArrayBuffer(4 * WORD.COUNT),
    bytes: new SharedArrayBuffer(bytes),
  };
}

/** The end that gives the bytes. */
export class RingWriter {
  readonly shared: SharedRing;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(bytes = ringBytes(1).blob) {
    this.shared = newRing(bytes);
    this.#words = new Int32Array(this.shared.words);
    this.#bytes = new Uint8Array(this.shared.bytes);
  }

  /** Copies the bytes into the ring, as soon as there is room. @throws what over() was told */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#failure) throw this.#failure;
      const written = Atomics.load(this.#words, WORD.WRITTEN);
      const free = this.#bytes.length - ((written - Atomics.load(this.#words, WORD.TAKEN)) >>> 0);
      if (free === 0) {
        await this.#room();
        continue;
      }
      const start = written & (this.#bytes.length - 1);
      const length = Math.min(free, this.#bytes.length - start, bytes.length - at);
      this.#bytes.set(bytes.subarray(at, at + length), start);
      at += length;
      Atomics.store(this.#words, WORD.WRITTEN, (written + length) | 0);
      tell(this.#words);
    }
  }

  /** There are no more bytes. */
  end(): void {
    close(this.#words, STATE.ENDED);
  }

  /** Nobody wants the bytes that are there any more. */
  abort(): void {
    close(this.#words, STATE.ABORTED);
  }

  /** The other end says that it took some. */
  taken(): void {
    this.#wake?.();
  }

  /** The other end takes no more. */
  over(failure: Error): void {
    this.#failure = failure;
    this.#wake?.();
  }

  async #room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const seen = Atomics.load(this.#words, WORD.TAKEN);
    Atomics.store(this.#words, WORD.WAITS, 1);
    // It may have taken some just before it could see that we wait.
    const free = this.#bytes.length - ((Atomics.load(this.#words, WORD.WRITTEN) - seen) >>> 0);
    if (free === 0 && !this.#failure) await promise;
    Atomics.store(this.#words, WORD.WAITS, 0);
    this.#wake = undefined;
  }
}

/** The end that gives the bytes, in a thread that has nothing to do while there is no room: bytes are made in the ring. */
export class BlockingRingWriter {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor({ words, bytes }: SharedRing) {
    this.#words = new Int32Array(words);
    this.#bytes = new Uint8Array(bytes);
  }

  /** Memory of the ring that is to be filled from its start on. @throws {Error} when the reader has left */
  room(): Uint8Array {
    for (;;) {
      const moves = Atomics.load(this.#words, WORD.MOVES);
      if (Atomics.load(this.#words, WORD.LEFT) === 1) throw new Error("nobody reads the bytes any more");
      const written = Atomics.load(this.#words, WORD.WRITTEN);
      const free = this.#bytes.length - ((written - Atomics.load(this.#words, WORD.TAKEN)) >>> 0);
      const start = written & (this.#bytes.length - 1);
      const most = Math.min(free, this.#bytes.length - start, this.#bytes.length / piecesOfRing);
      if (most > 0) return this.#bytes.subarray(start, start + most);
      // Who has just said that it waits looks once more: some may have been taken just before.
      if (Atomics.exchange(this.#words, WORD.WAITS, 1) === 1) Atomics.wait(this.#words, WORD.MOVES, moves);
    }
  }

  /** Gives bytes: those that room() was filled with are there already. @throws {Error} as room() */
  write(bytes: Uint8Array): void {
    if (bytes.buffer === this.#bytes.buffer) this.#give(bytes.length);
    else {
      for (let at = 0; at < bytes.length;) {
        const room = this.room();
        const piece = bytes.subarray(at, at + room.length);
        room.set(piece);
        this.#give(piece.length);
        at += piece.length;
      }
    }
  }

  end(): void {
    close(this.#words, STATE.ENDED);
  }

  abort(): void {
    close(this.#words, STATE.ABORTED);
  }

  #give(length: number): void {
    Atomics.store(this.#words, WORD.WRITTEN, (Atomics.load(this.#words, WORD.WRITTEN) + length) | 0);
    tell(this.#words);
  }
}

/** Tells the reader that nothing comes any more, for a writer that cannot. */
export function abortRing(ring: SharedRing): void {
  close(new Int32Array(ring.words), STATE.ABORTED);
}

/** Tells the writer that nobody reads any more, for a reader that cannot. */
export function leaveRing(ring: SharedRing): void {
  leave(new Int32Array(ring.words));
}

function close(words: Int32Array, state: number): void {
  Atomics.store(words, WORD.STATE, state);
  tell(words);
}

function tell(words: Int32Array): void {
  Atomics.add(words, WORD.CHANGES, 1);
  Atomics.notify(words, WORD.CHANGES);
}

function leave(words: Int32Array): void {
  Atomics.store(words, WORD.LEFT, 1);
  move(words);
}

function move(words: Int32Array): void {
  Atomics.add(words, WORD.MOVES, 1);
  Atomics.notify(words, WORD.MOVES);
}

/**
 * What a RingWriter gives, in pieces that are good until the next is asked for. Blocks the thread: meant for a worker.
 * @param onTaken tells the writer, which waits for it
 * @throws {Error} when the writer gives up
 */
export function* readRing(ring: SharedRing, onTaken: () => void): Generator<Uint8Array> {
  const words = new Int32Array(ring.words);
  for (const found of lookInto(ring, onTaken)) {
    if (typeof found === "number") Atomics.wait(words, WORD.CHANGES, found);
    else yield found;
  }
}

/**
 * As readRing(), in a thread that has other work as well, which gets its turn after each piece. Who stops before the end
 * tells the writer so.
 */
export async function* readRingInTurns(
  ring: SharedRing,
  onTaken: () => void = () => {},
): AsyncGenerator<Uint8Array> {
  const words = new Int32Array(ring.words);
  try {
    for (const found of lookInto(ring, onTaken)) {
      if (typeof found === "number") await Atomics.waitAsync(words, WORD.CHANGES, found).value;
      else {
        yield found;
        await setImmediate();
      }
    }
  } finally {
    leave(words);
  }
}

/** Pieces, or when there are none the number of changes that the next one comes with another of. */
function* lookInto({ words, bytes }: SharedRing, onTaken: () => void): Generator<Uint8Array | number> {
  const shared = new Int32Array(words);
  for (;;) {
    const changes = Atomics.load(shared, WORD.CHANGES);
    const state = Atomics.load(shared, WORD.STATE);
    if (state === STATE.ABORTED) throw new Error("the bytes were not wanted any more");
    const taken = Atomics.load(shared, WORD.TAKEN);
    const filled = (Atomics.load(shared, WORD.WRITTEN) - taken) >>> 0;
    if (filled === 0) {
      if (state === STATE.ENDED) return;
      yield changes;
      continue;
    }
    const start = taken & (bytes.byteLength - 1);
    const length = Math.min(filled, bytes.byteLength - start, bytes.byteLength / piecesOfRing);
    yield new Uint8Array(bytes, start, length);
    Atomics.store(shared, WORD.TAKEN, (taken + length) | 0);
    if (Atomics.exchange(shared, WORD.WAITS, 0) === 1) {
      move(shared);
      onTaken();
    }
  }
}
