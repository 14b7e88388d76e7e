import { openSync, closeSync, ftruncateSync, readFileSync, writeSync, constants } from "node:fs";
import { join } from "node:path";
import { Fault } from "@slipway/fault/fault";
import { tryLock } from "@slipway/linux/flock";
import { parseJson } from "@slipway/oci/documents/json-field";

/** The two directories that only one daemon may use at a time. */
interface Folders {
  readonly root: string;
  readonly state: string;
}

/**
 * Acquires the root and the state for this process, until the lock is disposed of or the process ends. Both: two daemons
 * with one state would adopt each other's bundles, and two with one root write into one store.
 * @throws {Fault} `failed_precondition` naming the process that has one of them, and its directories
 */
export function lockFolders(folders: Folders): Disposable {
  using undo = new DisposableStack();
  undo.use(lockFolder("root", folders));
  undo.use(lockFolder("state", folders));
  return undo.move();
}

function lockFolder(which: keyof Folders, folders: Folders): Disposable {
  const folder = folders[which];
  const path = join(folder, "slipwayd.lock");
  // Not opened with "w": a file that another process has locked must keep what it says.
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (!tryLock(fd)) {
    closeSync(fd);
    throw new Fault(
      "failed_precondition",
      `Cannot use ${which} "${folder}": ${ownerOf(path)} is running on it`,
    );
  }
  noteOwner(fd, folders);
  return { [Symbol.dispose]: () => closeSync(fd) };
}

/** The lock is what counts: a full disk, which may not even take a note, must not keep the daemon from starting. */
function noteOwner(fd: number, { root, state }: Folders): void {
  try {
    const note = `${process.pid}\n${JSON.stringify({ root, state })}\n`;
    // Written over the old one, whose block it needs, and not after it was given up.
    writeSync(fd, note, 0);
    ftruncateSync(fd, Buffer.byteLength(note));
  } catch {
    ftruncateSync(fd);
  }
}

function ownerOf(path: string): string {
  const [pid = "", folders = ""] = readFileSync(path, "utf8").split("\n");
  if (pid === "") return "another slipwayd";
  try {
    const note = parseJson(`"${path}"`, folders);
    const [root, state] = [note.get("root").required().text(), note.get("state").required().text()];
    return `the slipwayd with pid ${pid} (root "${root}", state "${state}")`;
  } catch {
    return `the slipwayd with pid ${pid}`;
  }
}
