import type { Worker } from "node:worker_threads";

interface SharedThreadsOptions {
  readonly maxThreads: number;
  /** The most jobs of a thread. */
  readonly maxJobs: number;
  readonly isAlive: (worker: Worker) => boolean;
  /** A thread more, if one can be spared. */
  readonly take: () => Worker | undefined;
  /** A thread is not needed any more. */
  readonly giveBack: (worker: Worker) => void;
}

/** Threads that have several jobs of one kind at once, which take turns there: what one compiled for a job serves them all. */
export class SharedThreads {
  readonly #options: SharedThreadsOptions;
  readonly #jobs = new Map<Worker, number>();
  /** Those that have nothing to do yet. */
  readonly #ready = new Set<Worker>();

  constructor(options: SharedThreadsOptions) {
    this.#options = options;
  }

  /** A thread for one more job: a new one, or the one that has the fewest. Nothing when all have enough. */
  join(): Worker | undefined {
    const { maxThreads, maxJobs, take } = this.#options;
    const alive = this.#alive();
    const [[least, jobs] = [undefined, maxJobs]] = alive.toSorted(([, some], [, others]) => some - others);
    const ready = alive.find(([worker]) => this.#ready.has(worker))?.[0];
    const worker =
      ready ?? (alive.length < maxThreads ? take() : undefined) ?? (jobs < maxJobs ? least : undefined);
    if (worker) this.#add(worker);
    return worker;
  }

  /** Takes a thread that gets ready for jobs which are going to come, unless there is one: a job of its own, to be left. */
  expect(): Worker | undefined {
    if (this.#alive().length > 0) return undefined;
    const worker = this.#options.take();
    if (!worker) return undefined;
    this.#add(worker);
    this.#ready.add(worker);
    return worker;
  }

  leave(worker: Worker): void {
    const left = (this.#jobs.get(worker) ?? 1) - 1;
    if (left > 0) this.#jobs.set(worker, left);
    else {
      this.#jobs.delete(worker);
      this.#ready.delete(worker);
      this.#options.giveBack(worker);
    }
  }

  #add(worker: Worker): void {
    this.#jobs.set(worker, (this.#jobs.get(worker) ?? 0) + 1);
    this.#ready.delete(worker);
  }

  #alive(): [Worker, number][] {
    return [...this.#jobs].filter(([worker]) => this.#options.isAlive(worker));
  }
}
