import { addressOf, SystemError, systemCall } from "./system-call.ts";

const posixSpawn = systemCall<
  [
    pid: Uint8Array,
    program: string,
    actions: Uint8Array,
    attributes: Uint8Array,
    args: Uint8Array,
    env: Uint8Array,
  ]
>("int posix_spawnp(void *, const char *, const void *, const void *, void *, void *)", "posix_spawnp");
const initActions = systemCall<[actions: Uint8Array]>("int posix_spawn_file_actions_init(void *)");
const destroyActions = systemCall<[actions: Uint8Array]>("int posix_spawn_file_actions_destroy(void *)");
const addDup2 = systemCall<[actions: Uint8Array, from: number, to: number]>(
  "int posix_spawn_file_actions_adddup2(void *, int, int)",
);
const addOpen = systemCall<[actions: Uint8Array, fd: number, path: string, flags: number, mode: number]>(
  "int posix_spawn_file_actions_addopen(void *, int, const char *, int, unsigned int)",
);
const addChdir = systemCall<[actions: Uint8Array, path: string]>(
  "int posix_spawn_file_actions_addchdir_np(void *, const char *)",
);
const initAttributes = systemCall<[attributes: Uint8Array]>("int posix_spawnattr_init(void *)");
const setFlags = systemCall<[attributes: Uint8Array, flags: number]>(
  "int posix_spawnattr_setflags(void *, short)",
);
const setDefaultSignals = systemCall<[attributes: Uint8Array, signals: Uint8Array]>(
  "int posix_spawnattr_setsigdefault(void *, const void *)",
);
const setSignalMask = systemCall<[attributes: Uint8Array, signals: Uint8Array]>(
  "int posix_spawnattr_setsigmask(void *, const void *)",
);
const SETSIGDEF = 4;
const SETSIGMASK = 8;
const O_RDWR = 2;

/** Strings as execve(2) takes them: pointers up to a null one. To be made once when they are passed often. */
export class StringTable {
  readonly memory: Uint8Array;

  /** @throws {TypeError} for a string that C would cut short */
  constructor(strings: readonly string[]) {
    const cut = strings.find((string) => string.includes("\0"));
    if (cut !== undefined)
      throw new TypeError(`Cannot pass ${JSON.stringify(cut)} to a program: it has a null byte`);
    const text = Buffer.from(strings.map((string) => `${string}\0`).join(""));
    const head = (strings.length + 1) * 8;
    const memory = Buffer.concat([Buffer.alloc(head), text]);
    let address = addressOf(memory) + BigInt(head);
    for (const [index, string] of strings.entries()) {
      memory.writeBigUInt64LE(address, index * 8);
      address += BigInt(Buffer.byteLength(string) + 1);
    }
    this.memory = memory;
  }
}

export interface SpawnOptions {
  readonly env: StringTable;
  readonly cwd: string;
  /** Standard input, output and error; /dev/null for those that are not told. */
  readonly stdio: readonly [number | undefined, number | undefined, number | undefined];
}

/**
 * posix_spawnp(3): starts a program with the given descriptors, default signals and nothing else of ours, and returns
 * its pid when it runs. The caller reaps it. Node's own spawn copies the page tables of this process for it, which takes
 * three times as long as the rest (bench/run.ts).
 * @throws {SystemError} when the program cannot run
 */
export function spawnProgram(
  program: string,
  args: readonly string[],
  { env, cwd, stdio }: SpawnOptions,
): number {
  const actions = Buffer.alloc(ACTIONS_BYTES);
  initActions(actions);
  try {
    addChdir(actions, cwd);
    for (const [to, from] of stdio.entries()) {
      if (from === undefined) addOpen(actions, to, "/dev/null", O_RDWR, 0);
      else addDup2(actions, from, to);
    }
    const pid = Buffer.alloc(4);
    const { memory } = new StringTable([program, ...args]);
    const errno = posixSpawn(pid, program, actions, (attributes ??= makeAttributes()), memory, env.memory);
    if (errno !== 0) throw new SystemError(errno, "posix_spawnp", [program]);
    return pid.readInt32LE(0);
  } finally {
    destroyActions(actions);
  }
}
// More than glibc (80, 336 and 128 bytes) and musl have.
const ACTIONS_BYTES = 256;
const ATTRIBUTES_BYTES = 512;
const SIGNAL_SET_BYTES = 128;

let attributes: Uint8Array | undefined;

/** Node ignores SIGPIPE, and a program would inherit that. */
function makeAttributes(): Uint8Array {
  const made = Buffer.alloc(ATTRIBUTES_BYTES);
  initAttributes(made);
  setFlags(made, SETSIGDEF | SETSIGMASK);
  setDefaultSignals(made, Buffer.alloc(SIGNAL_SET_BYTES, 0xff));
  setSignalMask(made, Buffer.alloc(SIGNAL_SET_BYTES));
  return made;
}
