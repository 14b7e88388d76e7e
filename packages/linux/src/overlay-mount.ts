import { closeSync, constants, openSync } from "node:fs";
import { fsconfigCreate, fsconfigFlag, fsconfigString, fsmount, fsopen, moveMount } from "./fsmount.ts";

/**
 * Mounts an overlay with options of any length and as many lower directories as the kernel takes (500).
 * Linux 6.5 and later: each lower directory is a parameter `lowerdir+` of its own.
 */
export function mountOverlay(
  source: string,
  target: string,
  options: readonly string[],
  flags: number,
): void {
  const opened: number[] = [];
  // A parameter is limited to 255 bytes; a longer path goes by the name of an open directory.
  const short = (path: string): string => {
    if (Buffer.byteLength(path) < 256) return path;
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    opened.push(fd);
    return `/proc/self/fd/${fd}`;
  };
  const context = fsopen("overlay");
  opened.push(context);
  try {
    fsconfigString(context, "source", source);
    for (const option of options) {
      const [key, value] = splitOption(option);
      if (value === undefined) fsconfigFlag(context, key);
      else if (key === "lowerdir") addLowers(context, value, short);
      else fsconfigString(context, key, short(value));
    }
    fsconfigCreate(context);
    const mounted = fsmount(context, flags);
    opened.push(mounted);
    moveMount(mounted, target);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function splitOption(option: string): [key: string, value?: string] {
  const at = option.indexOf("=");
  return at === -1 ? [option] : [option.slice(0, at), option.slice(at + 1)];
}

function addLowers(context: number, value: string, short: (path: string) => string): void {
  // A colon inside of a path is written "\:"; after "::" come data-only layers.
  let key = "lowerdir+";
  for (const part of value.split(/(?<!\\):/)) {
    if (part === "") key = "datadir+";
    else fsconfigString(context, key, short(part.replaceAll("\\:", ":")));
  }
}
