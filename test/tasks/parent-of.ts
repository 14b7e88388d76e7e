import { readFileSync } from "node:fs";

/** Which process's child it is: a container's first process is its shim's. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
