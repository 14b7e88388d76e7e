import type { Command } from "commander";

/** What a container may use, as `run`, `create` and `update` are told of it. */
export interface ResourceFlags {
  readonly memory?: string;
  readonly memorySwap?: string;
  readonly cpus?: string;
  readonly cpuShares?: string;
  readonly cpusetCpus?: string;
  readonly pidsLimit?: string;
}

export function addResourceFlags(command: Command): Command {
  return command
    .option("-m, --memory <size>", "the most memory it may use, such as 512m")
    .option("--memory-swap <size>", "memory and swap together; -1 for no limit on swap")
    .option("--cpus <number>", "how much CPU time it may use, in CPUs, such as 1.5")
    .option("--cpu-shares <number>", "its weight against others when the CPU is short")
    .option("--cpuset-cpus <list>", "the CPUs that it may run on, such as 0-1,3")
    .option("--pids-limit <number>", "the most processes it may have; -1 for no limit");
}
