import { closeSync, existsSync, openSync, readSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSystemError, onReadable, systemCall } from "../system-call.ts";
import type { Cgroup } from "./cgroup.ts";
import { readKeyValues } from "./files.ts";

const eventfd = systemCall<[initial: number, flags: number]>("int eventfd(unsigned int, int)");
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

/**
 * Calls `onOom` when the kernel kills in the cgroup for want of memory. Returns how to stop: what happened until then is still
 * told, because the end of a process may be heard of sooner than why.
 */
export function onOutOfMemory(cgroup: Cgroup, onOom: () => void): () => void {
  if (cgroup.version === 2) return watchEventsFile(join(cgroup.path, "memory.events"), onOom);
  const memory = cgroup.paths.get("memory");
  return memory === undefined ? () => undefined : watchEventFd(memory, onOom);
}

function watchEventsFile(path: string, onOom: () => void): () => void {
  let kills = readKeyValues(path).get("oom_kill") ?? 0n;
  const look = (): void => {
    const now = readKeyValues(path).get("oom_kill") ?? 0n;
    if (now > kills) onOom();
    kills = now;
  };
  const watcher = watch(path, look);
  watcher.on("error", () => watcher.close());
  return () => {
    watcher.close();
    if (existsSync(path)) look();
  };
}

// https://docs.kernel.org/admin-guide/cgroup-v1/memory.html, "OOM Control". The removal of the cgroup is an event,
// too: the caller stops watching before.
function watchEventFd(directory: string, onOom: () => void): () => void {
  const control = openSync(join(directory, "memory.oom_control"), "r");
  const event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  writeFileSync(join(directory, "cgroup.event_control"), `${event} ${control}`);
  const count = Buffer.alloc(8);
  const look = (): void => {
    try {
      readSync(event, count);
      onOom();
    } catch (error) {
      if (!isSystemError(error, "EAGAIN")) throw error;
    }
  };
  const stop = onReadable(event, look);
  return () => {
    stop();
    look();
    closeSync(event);
    closeSync(control);
  };
}
