/** Held by many who use a backend, or by the one who cleans it. */
export class SharedLock {
  readonly #users = new Set<Promise<void>>();
  #cleaner: Promise<void> | undefined;

  async shared(): Promise<Disposable> {
    while (this.#cleaner) await this.#cleaner;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#users.add(promise);
    return {
      [Symbol.dispose]: () => {
        this.#users.delete(promise);
        resolve();
      },
    };
  }

  /** Waits for all who have it; who asks from now on waits for the one who gets it. */
  async exclusive(): Promise<Disposable> {
    while (this.#cleaner) await this.#cleaner;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#cleaner = promise;
    await Promise.all(this.#users);
    return {
      [Symbol.dispose]: () => {
        this.#cleaner = undefined;
        resolve();
      },
    };
  }
}

/** Lets one at a time do something with a name. */
export class NameLock {
  readonly #held = new Map<string, Promise<void>>();

  /** Takes all at once when all are free, so two who want the same names cannot stop each other. */
  async acquire(names: readonly string[]): Promise<Disposable> {
    for (;;) {
      const taken = names.flatMap((name) => this.#held.get(name) ?? []);
      if (taken.length === 0) break;
      await Promise.all(taken);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const name of names) this.#held.set(name, promise);
    return {
      [Symbol.dispose]: () => {
        for (const name of names) this.#held.delete(name);
        resolve();
      },
    };
  }
}
