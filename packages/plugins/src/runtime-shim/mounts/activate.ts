import { join } from "node:path";
import { mkdirSync } from "node:fs";
import type { Mount } from "@slipway/core/mounts/mount";
import { attachLoop } from "@slipway/linux/loop-device";
import { mount } from "@slipway/linux/mount";
import { fillIn } from "./fill-in.ts";
import { makeFolders } from "./make-folders.ts";
import { makeFileSystem } from "./make-file-system.ts";

/** A mount that stands, for those behind it to refer to. */
export interface ActiveMount {
  readonly mount: Mount;
  readonly mountPoint: string;
}

/** Where mounts are made, and where what they ask for may be made. */
export interface ActivationPlaces {
  /** Each mount gets a folder in it. Who owns it unmounts what is there. */
  readonly folder: string;
  /** Folders that directories and file systems may be made below. */
  readonly roots: readonly string[];
}

/** Mounts of which the daemon has made what a runtime cannot. */
export interface Activation extends Disposable {
  /** What is left for the runtime to mount. */
  readonly rest: readonly Mount[];
}

type Transform = (
  mount: Mount,
  active: readonly ActiveMount[],
  roots: readonly string[],
) => Mount | Promise<Mount>;

const transforms: Readonly<Record<string, Transform>> = {
  format: fillIn,
  mkdir: (mount, _, roots) => makeFolders(mount, roots),
  mkfs: (mount, _, roots) => makeFileSystem(mount, roots),
};

/** A mount's type in its parts: `format/mkdir/overlay`. */
interface Plan {
  readonly transforms: readonly Transform[];
  readonly type: string;
  /** Whether somebody has to do something before a kernel can mount it, and it is not the runtime. */
  readonly isOurs: boolean;
}

/**
 * Does what containerd's mount manager does for a task, core/mount/manager: everything before the last mount that the runtime
 * cannot make is mounted, so that it can be referred to (`{{ mount 0 }}`); the rest is the runtime's. `allowed`: what the
 * runtime makes itself, as types (`loop`) or transforms (`format/*`). A loop device lives until the scope is left, and then
 * as long as something has it open or mounted.
 */
export async function activate(
  mounts: readonly Mount[],
  allowed: readonly string[],
  { folder, roots }: ActivationPlaces,
): Promise<Activation> {
  using undo = new DisposableStack();
  const plans = mounts.map((one) => planOf(one, allowed));
  // A transformed mount itself is still the runtime's to make; a loop device is not.
  const last = plans.findLastIndex(({ isOurs }) => isOurs);
  const count = plans[last]?.type === "loop" && !allowed.includes("loop") ? last + 1 : last;
  const active: ActiveMount[] = [];
  const rest: Mount[] = [];
  for (const [index, { transforms: steps, type }] of plans.entries()) {
    let current = mounts[index] as Mount;
    if (index > last) {
      rest.push(current);
      continue;
    }
    for (const step of steps) current = await step(current, active, roots);
    current = { ...current, type };
    if (index < count) active.push(make(current, join(folder, String(index)), undo));
    else rest.push(current);
  }
  const held = undo.move();
  return { rest, [Symbol.dispose]: () => held.dispose() };
}

function planOf({ type }: Mount, allowed: readonly string[]): Plan {
  const steps: Transform[] = [];
  let isOurs = false;
  let rest = type;
  for (;;) {
    const [name = "", ...others] = rest.split("/");
    const step = others.length > 0 ? transforms[name] : undefined;
    if (!step) break;
    steps.push(step);
    isOurs ||= !allowed.includes(`${name}/*`) && !allowed.includes(type);
    rest = others.join("/");
  }
  isOurs ||= rest === "loop" && !allowed.includes("loop");
  return { transforms: steps, type: rest, isOurs };
}

function make(one: Mount, folder: string, undo: DisposableStack): ActiveMount {
  if (one.type === "loop") {
    const device = undo.use(attachLoop(one.source, { isReadOnly: one.options.includes("ro") }));
    return { mount: one, mountPoint: device.path };
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  mount(one, folder);
  return { mount: one, mountPoint: folder };
}
