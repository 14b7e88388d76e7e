import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync, readFileSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Fault } from "@slipway/fault/fault";
import { lock } from "@slipway/linux/flock";
import { answers } from "@slipway/linux/answers";
import { makeDirectories } from "@slipway/linux/make-directories";

const program = fileURLToPath(new URL("../../../../bin/slipwayd", import.meta.url));
const readyWithinMs = 20_000;

/**
 * Starts slipwayd at a socket and waits until it answers. It goes on when this process ends. SLIPWAY_ROOT and
 * SLIPWAY_STATE say where it keeps its data.
 * @throws {Fault} `unavailable` with the end of its log when it does not come up
 */
export async function startDaemon(address: string): Promise<void> {
  const { SLIPWAY_ROOT: root, SLIPWAY_STATE: state } = process.env;
  const folder = dirname(address);
  makeDirectories(folder, 0o711);
  const logFile = join(state ?? folder, "slipwayd.log");
  makeDirectories(dirname(logFile), 0o711);
  // Of several that find nobody there, one starts the daemon and the others wait for it.
  using _ = await locked(join(folder, "start.lock"));
  if (await answers(address)) return;
  const log = openSync(logFile, "a", 0o600);
  const flags = [
    "--address",
    address,
    ...(root ? ["--root", root] : []),
    ...(state ? ["--state", state] : []),
  ];
  // The socket shows up as a change of its folder: watch before there can be one.
  using changes = watched(folder);
  const child = spawn(program, flags, { detached: true, stdio: ["ignore", log, log], cwd: "/" });
  closeSync(log);
  const ended = once(child, "exit").then(() => true);
  child.unref();
  const deadline = AbortSignal.timeout(readyWithinMs);
  const late = once(deadline, "abort").then(() => true);
  for (;;) {
    if (await answers(address)) return;
    const gaveUp = await Promise.race([changes.next(), ended, late]);
    if (gaveUp === true) {
      throw new Fault("unavailable", `Cannot start slipwayd: ${lastWords(logFile)} (${logFile})`);
    }
  }
}

async function locked(path: string): Promise<Disposable> {
  const fd = openSync(path, "w", 0o600);
  await lock(fd);
  return { [Symbol.dispose]: () => closeSync(fd) };
}

interface Changes extends Disposable {
  next(): Promise<void>;
}

function watched(folder: string): Changes {
  let wake: (() => void) | undefined;
  let changed = false;
  const watcher = watch(folder, () => {
    changed = true;
    wake?.();
  });
  return {
    async next() {
      if (!changed) await new Promise<void>((resolve) => (wake = resolve));
      changed = false;
    },
    [Symbol.dispose]: () => watcher.close(),
  };
}

/** slipwayd says on a line of its own why it cannot start. */
function lastWords(file: string): string {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const said = lines.findLast((line) => line.startsWith("slipwayd: ")) ?? lines.at(-1) ?? "";
  return said.replace(/^slipwayd: /, "");
}
