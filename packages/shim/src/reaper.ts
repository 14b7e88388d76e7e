import type { ChildProcess } from "node:child_process";
import { now } from "@slipway/fault/precise-date";
import { becomeSubreaper } from "@slipway/linux/prctl";
import { type ExitStatus, peekExited, reap } from "@slipway/linux/wait";

/** How and when a process of a container ended. */
export interface Exit extends ExitStatus {
  readonly exitedAt: Date;
}

/**
 * Reaps the processes of containers, and whatever orphans they leave to us as their subreaper.
 *
 * libuv waits for its own children by pid, and must find them: those are announced by `ownChild` and left alone.
 * A container's process can end before the runtime has told its pid, so between `begin` and `end` the exits of
 * unknown processes are kept.
 */
export class Reaper {
  readonly #waiting = new Map<number, (exit: Exit) => void>();
  readonly #own = new Set<number>();
  readonly #early = new Map<number, Exit>();
  #beginning = 0;

  constructor() {
    becomeSubreaper();
    process.on("SIGCHLD", () => this.#collect());
  }

  /** A child that Node spawned and will reap itself. */
  ownChild(pid: number, child: ChildProcess): void {
    this.#own.add(pid);
    child.once("exit", () => {
      this.#own.delete(pid);
      // The oldest dead child hides those behind it.
      this.#collect();
    });
  }

  /** Keeps exits of processes not known yet, until the returned scope ends. */
  beginning(): Disposable {
    this.#beginning += 1;
    return {
      [Symbol.dispose]: () => {
        this.#beginning -= 1;
        if (this.#beginning === 0) this.#early.clear();
      },
    };
  }

  /** Calls `onExit` once, when `pid` has ended: at once if it already has. */
  watch(pid: number, onExit: (exit: Exit) => void): void {
    const early = this.#early.get(pid);
    if (early) {
      this.#early.delete(pid);
      queueMicrotask(() => onExit(early));
      return;
    }
    this.#waiting.set(pid, onExit);
    this.#collect();
  }

  #collect(): void {
    for (let pid = peekExited(); pid !== undefined && !this.#own.has(pid); pid = peekExited()) {
      const status = reap(pid);
      if (status === "running" || status === "unknown") continue;
      const exit = { ...status, exitedAt: now() };
      const onExit = this.#waiting.get(pid);
      if (onExit) {
        this.#waiting.delete(pid);
        onExit(exit);
      } else if (this.#beginning > 0) {
        this.#early.set(pid, exit);
      }
    }
  }
}
