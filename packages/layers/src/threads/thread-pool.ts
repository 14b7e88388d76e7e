import { getCompileCacheDir } from "node:module";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import { SharedThreads } from "./shared-threads.ts";

// A thread takes 40 ms to start and some megabytes while it is there.
const idleMs = 5_000;
// A layer that comes slowly keeps its thread: those of other images must not wait behind it on a small machine.
const maxThreads = Math.max(4, availableParallelism());

// Of all threads, for other work than that of threads which are shared.
const keptFree = 1;

const programs = {
  files: new URL("./file-worker.ts", import.meta.url),
  blobs: new URL("./blob-worker.ts", import.meta.url),
};
/** What a thread runs. */
type Role = keyof typeof programs;

/** Threads, no more at once than are good, and warm for the next while nothing is to be done. */
export class ThreadPool implements AsyncDisposable {
  readonly #idle: { readonly worker: Worker; readonly role: Role; readonly timer: NodeJS.Timeout }[] = [];
  readonly #busy = new Set<Worker>();
  readonly #waiting: (() => void)[] = [];
  #free = maxThreads;

  /** Does one job in a thread of its own, as soon as there is one. */
  async use<T>(role: Role, work: (worker: Worker) => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      const worker = this.#take(role);
      try {
        return await work(worker);
      } finally {
        this.#release(worker, role);
      }
    } finally {
      this.#leave();
    }
  }

  /** Threads of this pool that have several jobs at once. They leave some to others. */
  shared(role: Role, threads: number, maxJobs: number): SharedThreads {
    return new SharedThreads({
      maxThreads: threads,
      maxJobs,
      isAlive: (worker) => this.#busy.has(worker),
      take: () => {
        if (this.#free <= keptFree) return undefined;
        this.#free -= 1;
        return this.#take(role);
      },
      giveBack: (worker) => {
        this.#release(worker, role);
        this.#leave();
      },
    });
  }

  /** The thread has ended, or is about to: it gets no more work. */
  lost(worker: Worker): void {
    this.#busy.delete(worker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const idle = this.#idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    // Those that are busy, too: they may wait for bytes that nobody sends any more.
    const workers = [...idle.map(({ worker }) => worker), ...this.#busy];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #take(role: Role): Worker {
    const worker = this.#idleWorker(role) ?? newWorker(role);
    this.#busy.add(worker);
    return worker;
  }

  #idleWorker(role: Role): Worker | undefined {
    const at = this.#idle.findLastIndex((entry) => entry.role === role);
    const [known] = at === -1 ? [] : this.#idle.splice(at, 1);
    if (!known) return undefined;
    clearTimeout(known.timer);
    known.worker.ref();
    return known.worker;
  }

  /** Those that have ended are not kept. */
  #release(worker: Worker, role: Role): void {
    if (this.#busy.delete(worker)) this.#keep(worker, role);
  }

  #keep(worker: Worker, role: Role): void {
    worker.unref();
    const end = (): void => {
      this.#idle.splice(
        this.#idle.findIndex((entry) => entry.worker === worker),
        1,
      );
      void worker.terminate();
    };
    this.#idle.push({ worker, role, timer: setTimeout(end, idleMs).unref() });
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

function newWorker(role: Role): Worker {
  // Files are opened by system calls that Node does not see, and closed as Node's.
  const worker = new Worker(programs[role], {
    trackUnmanagedFds: false,
    env: { ...process.env, ...compileCache() },
  });
  // Each of its jobs waits for its end.
  return worker.setMaxListeners(0);
}

/**
 * What this process compiled, which it may not want everything to have that it starts: a thread that compiles for itself
 * takes twice as long to start, and half as much memory again.
 */
function compileCache(): { readonly NODE_COMPILE_CACHE?: string } {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}
