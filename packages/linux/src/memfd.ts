import { closeSync, readFileSync } from "node:fs";
import { systemCall } from "./system-call.ts";

const memfdCreate = systemCall<[name: string, flags: number]>("int memfd_create(const char *, unsigned int)");

/** memfd_create(2): a file in memory, closed on exec. */
export function createMemoryFile(name: string): number {
  return memfdCreate(name, 1);
}

/** What a program writes into, for us to read when it has ended; closed with its scope. */
export class MemoryFile implements Disposable {
  readonly fd: number;

  constructor(name: string) {
    this.fd = createMemoryFile(name);
  }

  /** All that was written. */
  text(): string {
    // By its path: the descriptor's own place is at the end.
    return readFileSync(`/proc/self/fd/${this.fd}`, "utf8");
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
