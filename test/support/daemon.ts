import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { TestFolder } from "./folder.ts";
import { type Result, run, type RunOptions } from "./run.ts";

export const binFolder = join(import.meta.dirname, "../../bin");

/** `slipwayd`, or Debian's `containerd`, whose answers are the measure. */
export type Program = "slipwayd" | "containerd";

export interface DaemonOptions {
  /** Lines of the configuration besides those that the test daemon has. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it keeps what survives; in its folder unless told. */
  readonly root?: string;
}

// The plugins that a test machine cannot have; some of them take long to find that out.
const disabled = ["grpc.v1.cri", "snapshotter.v1.devmapper", "snapshotter.v1.zfs", "snapshotter.v1.btrfs"];

/** A daemon with folders of its own. Disposing of it ends it and everything that it started. */
export class TestDaemon implements AsyncDisposable {
  readonly program: Program;
  readonly folder: TestFolder;
  readonly address: string;
  readonly root: string;
  readonly state: string;
  readonly #options: DaemonOptions;
  #child: ChildProcess | undefined;
  #log: string[] = [];

  private constructor(program: Program, options: DaemonOptions) {
    this.program = program;
    this.#options = options;
    this.folder = new TestFolder(program);
    this.root = options.root ?? this.folder.join("root");
    this.state = this.folder.join("state");
    this.address = this.folder.join("state/d.sock");
  }

  static async start(program: Program, options: DaemonOptions = {}): Promise<TestDaemon> {
    const daemon = new TestDaemon(program, options);
    try {
      await daemon.start();
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.program} does not run`);
    return this.#child.pid;
  }

  /** What the daemon logged since it was started last. */
  get log(): string {
    return this.#log.join("\n");
  }

  /** Starts it (again) and waits until it says that it serves. */
  async start(): Promise<void> {
    mkdirSync(this.state, { recursive: true });
    const config = this.folder.join("config.toml");
    const names = disabled.map((name) => `"io.containerd.${name}"`).join(", ");
    writeFileSync(config, `version = 2\ndisabled_plugins = [${names}]\n${this.#options.config ?? ""}\n`);
    const program = this.program === "slipwayd" ? join(binFolder, "slipwayd") : "containerd";
    const flags = ["-c", config, "--root", this.root, "--state", this.state, "--address", this.address];
    const child = spawn(program, flags, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, PATH: `${binFolder}:${process.env["PATH"]}`, ...this.#options.env },
    });
    this.#child = child;
    this.#log = [];
    const serves = Promise.withResolvers<void>();
    const lines = createInterface(child.stderr);
    lines.on("line", (line) => {
      this.#log.push(line);
      if (line.includes("successfully booted")) serves.resolve();
    });
    child.once("exit", () => serves.reject(new Error(`${this.program} ended:\n${this.log}`)));
    await serves.promise;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async ctr(args: readonly string[], options?: RunOptions): Promise<Result> {
    const result = await run("ctr", ["--address", this.address, ...args], options);
    return { ...result, stderr: result.stderr.replaceAll(/time="[^"]*"/g, "") };
  }

  /** Ends the daemon, its shims and its containers, by the folder that they all name. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    for (const pid of processesOf(this.folder.path)) await endProcess(pid);
    for (const { root, id } of containersOf(this.folder.path))
      await run("runc", ["--root", root, "delete", "-f", id]);
    this.folder[Symbol.dispose]();
  }
}

/** What runc keeps of containers whose bundles are below `path`. */
function containersOf(path: string): { root: string; id: string }[] {
  return globSync("/run/containerd/runc/*/*/state.json").flatMap((file) => {
    const state = dirname(file);
    return readOr(file).includes(path) ? [{ root: dirname(state), id: basename(state) }] : [];
  });
}

/** Processes that have `path` in their arguments, and, before them, those that such shims look after. */
function processesOf(path: string): number[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const named = pids.filter((pid) => pid !== process.pid && readOr(`/proc/${pid}/cmdline`).includes(path));
  const children = pids.filter((pid) => named.includes(parentOf(pid)));
  const bundles = pids.filter(
    (pid) => readOr(`/proc/${pid}/mountinfo`).includes(`${path}/`) && isContained(pid),
  );
  return [...new Set([...named, ...children, ...bundles])].filter((pid) => pid !== process.pid);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Whether the process has a mount namespace that is not ours. */
function isContained(pid: number): boolean {
  return readOr(`/proc/${pid}/mountinfo`) !== readOr("/proc/self/mountinfo");
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

async function endProcess(pid: number): Promise<void> {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return;
  }
  // Not our child: there is nothing to wait for but its folder in /proc.
  while (existsSync(`/proc/${pid}/status`) && !/^State:\s+Z/m.test(readOr(`/proc/${pid}/status`))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
