import { closeSync, openSync } from "node:fs";
import { basename, dirname, normalize, relative } from "node:path";
import { Fault } from "@slipway/fault/fault";
import { O_PATH, openAt, RESOLVE } from "@slipway/linux/openat2";

/** The folder that something is to be made in. */
export interface Parent extends Disposable {
  readonly fd: number;
  readonly name: string;
}

/**
 * Opens the folder of `path`, which must be below one of the roots. Symlinks are followed as long as they stay there: what is
 * mounted may come from an image. @throws {Fault} `unimplemented`, as containerd's, for a path elsewhere
 */
export function parentBelow(path: string, roots: readonly string[], what: string): Parent {
  const whole = normalize(path);
  const root = roots.find((one) => whole.startsWith(`${one}/`));
  if (root === undefined) throw new Fault("unimplemented", `no root "${path}" configured for ${what}`);
  const directory = openSync(root, O_PATH);
  try {
    const inside = relative(root, dirname(whole)) || ".";
    const fd = openAt(directory, inside, O_PATH, { resolve: RESOLVE.BENEATH });
    return { fd, name: basename(whole), [Symbol.dispose]: () => closeSync(fd) };
  } finally {
    closeSync(directory);
  }
}
