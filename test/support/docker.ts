import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { TestFolder } from "./folder.ts";
import { type Result, run, type RunOptions } from "./run.ts";

/** Debian's dockerd with folders of its own, on top of the daemon that answers at an address. Its networks are none. */
export class TestDocker implements AsyncDisposable {
  readonly #folder: TestFolder;
  readonly #stop: () => Promise<void>;

  private constructor(folder: TestFolder, stop: () => Promise<void>) {
    this.#folder = folder;
    this.#stop = stop;
  }

  static async start(containerd: string): Promise<TestDocker> {
    const folder = new TestFolder("docker");
    const flags = [
      `--containerd=${containerd}`,
      `--data-root=${folder.join("data")}`,
      `--exec-root=${folder.join("exec")}`,
      `--host=unix://${folder.join("d.sock")}`,
      `--pidfile=${folder.join("pid")}`,
      "--bridge=none",
      "--iptables=false",
      "--ip-forward=false",
      "--ip-masq=false",
      "--storage-driver=vfs",
    ];
    const child = spawn("dockerd", flags, { stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(child, "exit");
    const log: string[] = [];
    const docker = new TestDocker(folder, async () => {
      child.kill("SIGTERM");
      await ended;
      folder[Symbol.dispose]();
    });
    const serves = Promise.withResolvers<void>();
    createInterface(child.stderr).on("line", (line) => {
      log.push(line);
      if (line.includes("API listen on")) serves.resolve();
    });
    child.once("exit", () => serves.reject(new Error(`dockerd ended:\n${log.join("\n")}`)));
    try {
      await serves.promise;
      return docker;
    } catch (error) {
      folder[Symbol.dispose]();
      throw error;
    }
  }

  /** Docker's own command line. */
  async docker(args: readonly string[], options?: RunOptions): Promise<Result> {
    return await run("docker", ["--host", `unix://${this.#folder.join("d.sock")}`, ...args], options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}
