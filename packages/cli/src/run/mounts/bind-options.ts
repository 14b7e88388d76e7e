import { existsSync } from "node:fs";

/** Of the runtime spec. */
export const propagations: ReadonlySet<string> = new Set([
  "private",
  "rprivate",
  "shared",
  "rshared",
  "slave",
  "rslave",
]);

export interface BindOptions {
  /** `rro` makes the mounts below the source read-only, too. */
  readonly access?: "rw" | "ro" | "rro";
  /** `rprivate` by default. */
  readonly propagation?: string;
  /** Without the mounts that are below the source. */
  readonly isFlat?: boolean;
}

/** The options of a bind mount, as the runtime spec has them. */
export function bindOptions({
  access = "rw",
  propagation = "rprivate",
  isFlat = false,
}: BindOptions): string[] {
  return [isFlat ? "bind" : "rbind", access, propagation];
}

/** Whether files have SELinux labels here, which `z` and `Z` would have to change. */
export function hasSelinux(): boolean {
  return existsSync("/sys/fs/selinux/enforce");
}
