import { readFileSync } from "node:fs";
import { cpus, hostname, release, totalmem } from "node:os";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { stateWord } from "../containers/state.ts";
import { parseTemplate } from "../format/template.ts";
import { formatSize } from "../format/size.ts";
import { version } from "../version.ts";

export function configure(command: Command, cli: Cli): void {
  command
    .option("-f, --format <template>", "json, or a template such as {{.ServerVersion}}")
    .action(async ({ format }: { readonly format?: string }) => {
      const client = await cli.client();
      const [server, plugins, images, containers, tasks] = await Promise.all([
        client.introspection.version(),
        client.introspection.plugins(),
        client.images.list(),
        client.containers.list(),
        client.tasks.list(),
      ]);
      const words = tasks.map(stateWord);
      const count = (word: string): number => words.filter((one) => one === word).length;
      const working = plugins.filter(({ initError }) => initError === undefined);
      const ids = (type: string): string[] =>
        working.filter((plugin) => plugin.type === type).map(({ id }) => id);
      const info = {
        ClientVersion: version,
        ServerVersion: server.version,
        Namespace: client.namespace,
        Containers: containers.length,
        ContainersRunning: count("running"),
        ContainersPaused: count("paused"),
        ContainersStopped: containers.length - count("running") - count("paused"),
        Images: images.length,
        Driver: cli.globals.snapshotter,
        Snapshotters: ids("io.containerd.snapshotter.v1"),
        CgroupVersion: isUnified() ? "2" : "1",
        KernelVersion: release(),
        OperatingSystem: operatingSystem(),
        OSType: "linux",
        Architecture: process.arch === "x64" ? "x86_64" : process.arch === "arm64" ? "aarch64" : process.arch,
        NCPU: cpus().length,
        MemTotal: totalmem(),
        Name: hostname(),
      };
      if (format === "json") process.stdout.write(`${JSON.stringify(info)}\n`);
      else if (format !== undefined) process.stdout.write(`${parseTemplate(format)(info)}\n`);
      else {
        const lines = Object.entries({
          ...info,
          MemTotal: formatSize(info.MemTotal),
          Snapshotters: info.Snapshotters.join(" "),
        });
        process.stdout.write(lines.map(([key, value]) => `${key}: ${value}\n`).join(""));
      }
    });
}

function isUnified(): boolean {
  return / \/sys\/fs\/cgroup cgroup2 /.test(readFileSync("/proc/mounts", "utf8"));
}

function operatingSystem(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
  } catch {
    return "Linux";
  }
}
