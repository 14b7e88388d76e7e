import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endAllIn } from "./end-all.ts";
import { TestFolder } from "./folder.ts";
import { type Result, run, type RunOptions } from "./run.ts";

export const binFolder = join(import.meta.dirname, "../../bin");

/** For tests that look at what nobody refers to: else it may be gone before they do. */
export const collectsWhenAsked = `
[plugins."io.containerd.gc.v1.scheduler"]
  mutation_threshold = 1000000
  startup_delay = "1h"
`;

/** `slipwayd`, or Debian's `containerd`, whose answers are the measure. */
export type Program = "slipwayd" | "containerd";

/** Those that this machine has. */
export const programs: readonly Program[] = existsSync("/usr/bin/containerd")
  ? ["slipwayd", "containerd"]
  : ["slipwayd"];

export interface DaemonOptions {
  /** Lines of the configuration besides those that the test daemon has. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it keeps what survives; in its folder unless told. */
  readonly root?: string;
  /** Where its folder is made: among temporary files unless told. */
  readonly parent?: string;
  /** For each start that has none of its own. */
  readonly prelude?: Prelude;
}

/** What a shell does in a mount namespace of the daemon's own before it becomes the daemon. */
export type Prelude = string;

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
    this.folder = new TestFolder(program, options.parent);
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
  async start(prelude = this.#options.prelude): Promise<void> {
    mkdirSync(this.state, { recursive: true });
    const config = this.folder.join("config.toml");
    const names = disabled.map((name) => `"io.containerd.${name}"`).join(", ");
    writeFileSync(config, `version = 2\ndisabled_plugins = [${names}]\n${this.#options.config ?? ""}\n`);
    const program = this.program === "slipwayd" ? join(binFolder, "slipwayd") : "containerd";
    const flags = ["-c", config, "--root", this.root, "--state", this.state, "--address", this.address];
    const shell = ["-m", "sh", "-ec", `${prelude}; exec "$0" "$@"`, program, ...flags];
    const child = spawn(
      ...(prelude === undefined ? ([program, flags] as const) : (["unshare", shell] as const)),
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, PATH: `${binFolder}:${process.env["PATH"]}`, ...this.#options.env },
      },
    );
    this.#child = child;
    this.#log = [];
    const serves = Promise.withResolvers<void>();
    const lines = createInterface(child.stderr);
    lines.on("line", (line) => {
      this.#log.push(line);
      if (line.includes("successfully booted")) serves.resolve();
    });
    child.once("exit", (code, signal) => {
      this.#log.push(`ended by ${signal ?? `code ${code}`}`);
      serves.reject(new Error(`${this.program} ended:\n${this.log}`));
    });
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

  /** What makes our own command line a client of this daemon. */
  get slipwayEnv(): Readonly<Record<string, string>> {
    return { SLIPWAY_ADDRESS: this.address, SLIPWAY_ROOT: this.folder.join("cli") };
  }

  /** Our own command line, as a client of this daemon. */
  async slipway(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return await run(join(binFolder, "slipway"), args, { ...options, env: this.slipwayEnv });
  }

  /** What our command line prints. It must succeed. */
  async printed(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.slipway(args);
    if (code !== 0) throw new Error(`slipway ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** Ends the daemon, its shims and its containers, by the folder that they all name. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await endAllIn(this.folder.path);
    this.folder[Symbol.dispose]();
  }
}
