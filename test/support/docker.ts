import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { TestFolder } from "./folder.ts";
import { type Result, run, type RunOptions } from "./run.ts";

export interface DockerRelease {
  /** Where dockerd and docker are. */
  readonly bin: readonly [daemon: string, client: string];
  /** Keeps images in the daemon below, instead of in folders of its own. */
  readonly hasImageStore: boolean;
}

/** This Debian's, which has containers only in the daemon below. */
export const systemDocker: DockerRelease = {
  bin: ["/usr/sbin/dockerd", "/usr/bin/docker"],
  hasImageStore: false,
};

const tools = join(import.meta.dirname, "../../.tools/bin");
/** A later one that scripts/test.sh fetches, with images and snapshots in the daemon below. */
export const imageStoreDocker: DockerRelease = {
  bin: [join(tools, "dockerd"), join(tools, "docker")],
  hasImageStore: true,
};

/** Whether it is here, and containerd to compare with. */
export function hasDocker({ bin }: DockerRelease): boolean {
  return [...bin, "/usr/bin/containerd"].every((path) => existsSync(path));
}

/** A dockerd with folders of its own, on top of the daemon that answers at an address. Its networks are none. */
export class TestDocker implements AsyncDisposable {
  readonly #client: string;
  readonly #folder: TestFolder;
  readonly #stop: () => Promise<void>;

  private constructor(client: string, folder: TestFolder, stop: () => Promise<void>) {
    this.#client = client;
    this.#folder = folder;
    this.#stop = stop;
  }

  static async start({ bin, hasImageStore }: DockerRelease, containerd: string): Promise<TestDocker> {
    const [daemon, client] = bin;
    const folder = new TestFolder("docker");
    const config = folder.join("daemon.json");
    writeFileSync(
      config,
      JSON.stringify(
        hasImageStore ? { features: { "containerd-snapshotter": true } } : { "storage-driver": "vfs" },
      ),
    );
    const flags = [
      `--config-file=${config}`,
      `--containerd=${containerd}`,
      `--data-root=${folder.join("data")}`,
      `--exec-root=${folder.join("exec")}`,
      `--host=unix://${folder.join("d.sock")}`,
      `--pidfile=${folder.join("pid")}`,
      "--bridge=none",
      "--iptables=false",
      "--ip-forward=false",
      "--ip-masq=false",
    ];
    const child = spawn(daemon, flags, { stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(child, "exit");
    const log: string[] = [];
    const docker = new TestDocker(client, folder, async () => {
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
    // Builds without a builder of their own.
    const env = { DOCKER_BUILDKIT: "0" };
    return await run(this.#client, ["--host", `unix://${this.#folder.join("d.sock")}`, ...args], {
      env,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}
