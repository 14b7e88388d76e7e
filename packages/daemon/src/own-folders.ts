import { chmod, readdir, realpath, stat } from "node:fs/promises";
import { during, Fault } from "@slipway/fault/fault";
import { makeDirectories } from "@slipway/linux/make-directories";

/** Only root gets in. containerd's cmd/containerd/server/server.go, CreateTopLevelDirectories. */
const ROOT_MODE = 0o700;
/** Shims of users' containers pass through, and see no names. */
const STATE_MODE = 0o711;
const STICKY = 0o1000;
/** What every program of a machine writes to, by hier(7) and shm_overview(7), also while nothing is in there. */
const sharedDirectories: readonly string[] = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock"];

/**
 * Makes the daemon's root and state, and gives those that are there their modes. Paths become absolute and without symlinks:
 * containers' mounts name them, shims have another working directory, and the kernel's list of mounts knows no others.
 * @throws {Fault} `failed_precondition` for a directory that is not the daemon's own, `invalid_argument` if both are one
 */
export async function prepareFolders<T extends { readonly root: string; readonly state: string }>(
  config: T,
): Promise<T> {
  const root = await makeOwn("root", config.root, ROOT_MODE);
  const state = await makeOwn("state", config.state, STATE_MODE);
  // The configuration can only compare names.
  if (root === state) {
    throw new Fault("invalid_argument", `Cannot start: root and state are the same directory, "${root}"`);
  }
  return { ...config, root, state };
}

async function makeOwn(which: string, path: string, mode: number): Promise<string> {
  if (path === "") throw new Fault("invalid_argument", `Cannot start: ${which} is empty`);
  try {
    makeDirectories(path, mode);
    const real = await realpath(path);
    const found = await stat(real);
    const why = await whyNotOwn(real, found);
    if (why !== undefined) throw new Fault("failed_precondition", why);
    // Also for what mkdir() made: the umask may have taken bits away.
    if ((found.mode & 0o7777) !== mode) await chmod(real, mode);
    return real;
  } catch (error) {
    throw during(`use ${which} "${path}"`, error);
  }
}

/** What makes a directory somebody else's: whoever owns it can replace all that is in it. */
async function whyNotOwn(
  path: string,
  { mode, uid }: { readonly mode: number; readonly uid: number },
): Promise<string | undefined> {
  const own = process.geteuid?.() ?? 0;
  if (path === "/") return "it is the machine's root directory";
  if (uid !== own) return `it belongs to uid ${uid}, and slipwayd runs as uid ${own}`;
  const isShared = (mode & STICKY) !== 0 && (sharedDirectories.includes(path) || !(await isEmpty(path)));
  return isShared ? "it is shared (its sticky bit is set); choose a directory in it" : undefined;
}

/** As a new file system is: a tmpfs is mounted with a /tmp's mode. */
async function isEmpty(path: string): Promise<boolean> {
  return (await readdir(path)).every((name) => name === "lost+found");
}
