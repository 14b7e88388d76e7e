import { systemCall } from "./system-call.ts";

const memfdCreate = systemCall<[name: string, flags: number]>("int memfd_create(const char *, unsigned int)");

/** memfd_create(2): a file in memory, closed on exec. */
export function createMemoryFile(name: string): number {
  return memfdCreate(name, 1);
}
