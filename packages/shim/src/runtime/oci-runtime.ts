import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { Fault, messageOf } from "@slipway/fault/fault";
import { createMemoryFile } from "@slipway/linux/memfd";
import { spawnProgram, StringTable } from "@slipway/linux/spawn";
import { isSystemError } from "@slipway/linux/system-call";
import type { Exit, Reaper } from "../reaper.ts";
import { lastError } from "./runtime-log.ts";

/** What to run and where it keeps its state: from the request's runc options. */
export interface OciRuntimeOptions {
  /** Name or path; `runc` unless told. */
  readonly binary: string;
  /** Its `--root`, the namespace included. */
  readonly root: string;
  readonly systemdCgroup: boolean;
}

/** File descriptors, or nothing for /dev/null. */
export interface ProcessStdio {
  readonly stdin?: number;
  readonly stdout?: number;
  readonly stderr?: number;
}

interface Invocation {
  readonly stdio?: ProcessStdio;
  /** Text for its standard input. */
  readonly input?: string;
  /** Variables besides the shim's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the runtime has written to its errors, which are the container's: read when it has failed. */
  readonly said?: () => string;
}

/** The log of what makes a container, where containerd's shim has it, too. */
const CONTAINER_LOG = "log.json";
/** What makes one whose runtime may go on writing to its log. */
const creating = new Set(["create", "restore"]);
/** Of an error: it travels in a header, and nobody reads more. */
const MAX_ERROR_CHARACTERS = 4096;
const MAX_LOG_BYTES = 65_536;
let lastLog = 0;

/** Runs runc, crun or another program with their command line, for one bundle. */
export class OciRuntime {
  readonly options: OciRuntimeOptions;
  readonly #bundle: string;
  readonly #reaper: Reaper;

  constructor(options: OciRuntimeOptions, bundle: string, reaper: Reaper) {
    this.options = options;
    this.#bundle = bundle;
    this.#reaper = reaper;
  }

  /** Runs `args`; a failure has the runtime's own last words after `what`. */
  async run(what: string, args: readonly string[], invocation: Invocation = {}): Promise<void> {
    // One for each call: a failure must not be explained by another's error.
    const name = creating.has(args[0] ?? "") ? CONTAINER_LOG : `log-${(lastLog += 1)}.json`;
    const log = join(this.#bundle, name);
    try {
      const result = await this.#spawn(log, args, invocation).catch((error: unknown) => error as Error);
      if (result instanceof Error) {
        throw await this.#failure(what, args, log, { status: messageOf(result), output: "" }, result);
      }
      if (result.ok) return;
      const output = bounded(result.output || (invocation.said?.() ?? ""));
      throw await this.#failure(what, args, log, { ...result, output });
    } finally {
      if (name !== CONTAINER_LOG) rmSync(log, { force: true });
    }
  }

  async #failure(
    what: string,
    [action = ""]: readonly string[],
    log: string,
    { status, output }: Omit<RuntimeResult, "ok">,
    cause: unknown = new Error(output || status),
  ): Promise<Fault> {
    const { infoDetail } = await import("@slipway/rpc/error-info");
    const facts = { program: this.options.binary, action, status, output };
    const details = [infoDetail({ reason: "RUNTIME_FAILED", facts })];
    return new Fault("unknown", describe(what, log, status, output), { cause, details });
  }

  async #spawn(
    log: string,
    args: readonly string[],
    { stdio, input, env }: Invocation,
  ): Promise<RuntimeResult> {
    const { binary, root, systemdCgroup } = this.options;
    const all = ["--root", root, "--log", log, "--log-format", "json"];
    if (systemdCgroup) all.push("--systemd-cgroup");
    all.push(...args);
    // Only a runtime that gets none of the container's streams may keep a pipe to us.
    if (stdio) return await this.#spawnWith(stdio, all, env);
    using text = input === undefined ? undefined : fileOf(input);
    const child = spawn(binary, all, {
      cwd: this.#bundle,
      env: { ...runtimeEnvironment(), ...env },
      stdio: [text?.fd ?? "ignore", "ignore", "pipe"],
    });
    if (child.pid !== undefined) this.#reaper.ownChild(child.pid, child);
    return await ended(child, binary);
  }

  async #spawnWith(
    { stdin, stdout, stderr }: ProcessStdio,
    args: readonly string[],
    more: Invocation["env"],
  ): Promise<RuntimeResult> {
    const { binary } = this.options;
    const env = more ? tableOf({ ...runtimeEnvironment(), ...more }) : ownTable();
    const options = { env, cwd: this.#bundle, stdio: [stdin, stdout, stderr] } as const;
    let pid: number;
    try {
      pid = spawnProgram(binary, args, options);
    } catch (error) {
      throw spawnError(error, binary);
    }
    const { exitCode, signal } = await new Promise<Exit>((resolve) => {
      this.#reaper.watch(pid, resolve);
    });
    return { ok: exitCode === 0, status: statusText(exitCode, signal), output: "" };
  }
}

function describe(what: string, log: string, status: string, output: string): string {
  const said = output === "" ? status : `${status}: ${output}`;
  let text: string;
  try {
    text = endOf(log);
  } catch {
    const reason = `open ${log}: no such file or directory`;
    return `${what}: unable to retrieve OCI runtime error (${reason}): ${said}`;
  }
  return `${what}: ${bounded(lastError(text) || said)}`;
}

/** The end of a file: a runtime may have written any amount. */
function endOf(path: string): string {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const length = Math.min(size, MAX_LOG_BYTES);
    const buffer = Buffer.alloc(length);
    return buffer.toString("utf8", 0, readSync(fd, buffer, 0, length, size - length));
  } finally {
    closeSync(fd);
  }
}

/** The beginning and the end of a long text. */
function bounded(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length <= MAX_ERROR_CHARACTERS) return trimmed;
  const half = MAX_ERROR_CHARACTERS / 2;
  return `${trimmed.slice(0, half)} ... ${trimmed.slice(-half)}`;
}

/** A file in memory: Node's pipes are sockets, and crun opens `/dev/stdin`, which no socket can be opened by. */
function fileOf(text: string): Disposable & { readonly fd: number } {
  const fd = createMemoryFile("input");
  // At a place of its own, so that who inherits the descriptor reads from the start.
  writeSync(fd, text, 0);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

interface RuntimeResult {
  readonly ok: boolean;
  /** As Go words it: `exit status 1`. */
  readonly status: string;
  readonly output: string;
}

function ended(child: ChildProcess, binary: string): Promise<RuntimeResult> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (output.length < 65_536) output += text;
    });
    child.once("error", (error) => reject(spawnError(error, binary)));
    // "close" would wait for pipes that a container's init may have inherited.
    child.once("exit", (code, signal) => {
      const status = statusText(code ?? 0, signal === null ? undefined : constants.signals[signal]);
      resolve({ ok: code === 0, status, output: output.trim() });
    });
  });
}

/** In Go's words. */
function spawnError(error: unknown, binary: string): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" && !binary.includes("/"))
    return new Error(`exec: "${binary}": executable file not found in $PATH`, { cause: error });
  const reasons: Record<string, string> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    ENOEXEC: "exec format error",
  };
  return new Error(`fork/exec ${binary}: ${reasons[code ?? ""] ?? message}`, { cause: error });
}

/** As Go words it. */
function statusText(exitCode: number, signal: number | undefined): string {
  if (signal === undefined) return `exit status ${exitCode}`;
  const { SIGKILL, SIGTERM } = constants.signals;
  return `signal: ${signal === SIGKILL ? "killed" : signal === SIGTERM ? "terminated" : `signal ${signal}`}`;
}

let environment: NodeJS.ProcessEnv | undefined;
let environmentTable: StringTable | undefined;

// Copied once; what only concerns Node must not reach a runtime or its hooks.
function runtimeEnvironment(): NodeJS.ProcessEnv {
  if (environment) return environment;
  environment = { ...process.env };
  for (const name of ["NODE_OPTIONS", "NODE_COMPILE_CACHE", "NODE_CHANNEL_FD", "SLIPWAY_ROOT"])
    delete environment[name];
  return environment;
}

function ownTable(): StringTable {
  return (environmentTable ??= tableOf(runtimeEnvironment()));
}

function tableOf(variables: NodeJS.ProcessEnv): StringTable {
  return new StringTable(Object.entries(variables).map((pair) => pair.join("=")));
}

/**
 * The pid in a file that a runtime wrote.
 * @throws {Fault} `unknown` when it has written none, although it has ended without an error
 */
export function readPidFile(path: string): number {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const why = isSystemError(error, "ENOENT") ? "the runtime has not written it" : messageOf(error);
    throw new Fault("unknown", `Cannot read pid file "${path}": ${why}`, { cause: error });
  }
  const pid = Number(text);
  if (Number.isSafeInteger(pid) && pid > 0) return pid;
  throw new Fault("unknown", `Cannot read pid file "${path}": it holds "${text.slice(0, 100)}"`);
}
