import { readFileSync } from "node:fs";

/** A line of /proc/PID/mountinfo, proc(5). */
export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  readonly device: string;
  /** What of the file system is mounted; "/" unless it is a bind mount of a part. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  /** Such as `shared:1`, `master:2`. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** The mounts that process `pid` sees, in the order they were made. */
export function readMountInfo(pid: number | "self" = "self"): MountInfo[] {
  return parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

export function parseMountInfo(text: string): MountInfo[] {
  return text.split("\n").filter(Boolean).map(parseLine);
}

function parseLine(line: string): MountInfo {
  const fields = line.split(" ");
  const dash = fields.indexOf("-", 6);
  const [id = "", parentId = "", device = "", root = "", mountPoint = "", options = ""] = fields;
  const [type = "", source = "", superOptions = ""] = fields.slice(dash + 1);
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: unescape(root),
    mountPoint: unescape(mountPoint),
    options: options.split(","),
    propagation: fields.slice(6, dash),
    type: unescape(type),
    source: unescape(source),
    superOptions: unescape(superOptions).split(","),
  };
}

// Blanks, line ends and backslashes are written in octal.
function unescape(field: string): string {
  if (!field.includes("\\")) return field;
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  );
}
