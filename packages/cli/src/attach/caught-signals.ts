import { constants } from "node:os";

const names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCONT"] as const;
type Name = (typeof names)[number];

/** How often somebody has to ask this process to end before it does so without the container, as Docker's does. */
const PATIENCE = 3;

/**
 * Signals to this process that are meant for a container. Those that come before there is one wait; those that nobody has
 * taken in the end act on this process as they would have.
 */
export class CaughtSignals implements Disposable {
  readonly #handlers = new Map<Name, () => void>();
  readonly #sent = new Set<Promise<unknown>>();
  #waiting: Name[] = [];
  #send: ((signal: number) => Promise<unknown>) | undefined;
  #endings = 0;
  #hasHungUp = false;

  /** From now on signals wait. */
  hold(): void {
    for (const name of names) {
      const handler = (): void => this.#caught(name);
      this.#handlers.set(name, handler);
      process.on(name, handler);
    }
  }

  /** Whether somebody has asked for an end that no container knows of yet. */
  get wantsEnd(): boolean {
    return this.#waiting.some((name) => name !== "SIGCONT");
  }

  /** Sends those that wait, and all further ones, to the container. */
  passOn(send: (signal: number) => Promise<unknown>): void {
    this.#send = send;
    for (const name of this.#waiting.splice(0)) this.#pass(name);
  }

  /** The terminal is gone: the container has heard of it when this resolves, whether the kernel tells us before that or after. */
  async hangUp(): Promise<void> {
    if (!this.#hasHungUp) this.#caught("SIGHUP");
    await this.arrived();
  }

  /** Resolves when those that were sent have arrived. */
  async arrived(): Promise<void> {
    await Promise.all(this.#sent);
  }

  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
    this.#handlers.clear();
    const [first] = this.#waiting.splice(0);
    if (first !== undefined) process.kill(process.pid, first);
  }

  #caught(name: Name): void {
    if (name === "SIGINT" || name === "SIGTERM") this.#endings += 1;
    if (this.#endings >= PATIENCE) {
      process.stderr.write(`\ngot ${PATIENCE} SIGTERM/SIGINTs, forcefully exiting\n`);
      // Node gives the terminal back as it was.
      process.exit(1);
    }
    if (name === "SIGHUP" && this.#hasHungUp) return;
    if (name === "SIGHUP") this.#hasHungUp = true;
    if (this.#send) this.#pass(name);
    else this.#waiting.push(name);
  }

  #pass(name: Name): void {
    const sent = this.#send?.(constants.signals[name]);
    if (!sent) return;
    this.#sent.add(sent);
    void sent.finally(() => this.#sent.delete(sent));
  }
}
