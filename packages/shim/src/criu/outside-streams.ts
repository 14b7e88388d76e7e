import { readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseJson } from "@slipway/oci/documents/json-field";

/** A file from outside of a container's mounts that its processes read or write as one of their streams. */
export interface OutsideStream {
  /** 0, 1 or 2. */
  readonly fd: number;
  /** criu's name for it: `file[MOUNT:INODE]`, both hexadecimal. */
  readonly key: string;
}

const FILE = "slipway-streams.json";

/** FIFOs of clients, for example. Pipes are not among them: runc and criu know what to do with those. */
export function outsideStreams(pids: readonly number[]): OutsideStream[] {
  const found = new Map<string, number>();
  for (const pid of pids) {
    const inside = mountsOf(pid);
    for (const fd of [0, 1, 2]) {
      const key = outsideKey(pid, fd, inside);
      if (key !== undefined && !found.has(key)) found.set(key, fd);
    }
  }
  return [...found].map(([key, fd]) => ({ key, fd }));
}

function outsideKey(pid: number, fd: number, inside: ReadonlySet<number>): string | undefined {
  try {
    const path = `/proc/${pid}/fd/${fd}`;
    const mount = Number(/^mnt_id:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1]);
    if (inside.has(mount) || !readlinkSync(path).startsWith("/")) return undefined;
    return `file[${mount.toString(16)}:${statSync(path, { bigint: true }).ino.toString(16)}]`;
  } catch {
    // Closed, or the process is gone.
    return undefined;
  }
}

function mountsOf(pid: number): ReadonlySet<number> {
  try {
    const lines = readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n");
    return new Set(lines.map((line) => Number.parseInt(line, 10)));
  } catch {
    return new Set();
  }
}

/** Notes in a checkpoint which streams it has, for the restore. */
export function writeStreams(checkpoint: string, streams: readonly OutsideStream[]): void {
  writeFileSync(join(checkpoint, FILE), JSON.stringify(streams));
}

/** Those of a checkpoint; none of another program's. */
export function readStreams(checkpoint: string): OutsideStream[] {
  try {
    return parseJson(`"${FILE}"`, readFileSync(join(checkpoint, FILE))).list((stream) => ({
      fd: stream.get("fd").required().integer({ min: 0, max: 2 }) ?? 0,
      key: stream.get("key").required().text() ?? "",
    }));
  } catch {
    return [];
  }
}
