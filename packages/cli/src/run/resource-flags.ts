import type { Command } from "commander";

/** What a container may use, as `run`, `create` and `update` are told of it. */
export interface ResourceFlags {
  readonly memory?: string;
  readonly memorySwap?: string;
  readonly memoryReservation?: string;
  readonly memorySwappiness?: string;
  readonly cpus?: string;
  readonly cpuShares?: string;
  readonly cpuPeriod?: string;
  readonly cpuQuota?: string;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsLimit?: string;
}

export function addResourceFlags(command: Command): Command {
  return command
    .option("-m, --memory <size>", "the most memory it may use, such as 512m")
    .option("--memory-swap <size>", "memory and swap together; -1 for no limit on swap")
    .option("--memory-reservation <size>", "what it is pressed down to when memory is short")
    .option("--memory-swappiness <number>", "how readily it is swapped out, from 0 to 100 (cgroup v1)")
    .option("--cpus <number>", "how much CPU time it may use, in CPUs, such as 1.5")
    .option("-c, --cpu-shares <number>", "its weight against others when the CPU is short")
    .option("--cpu-period <microseconds>", "of what --cpu-quota is a part (100000)")
    .option("--cpu-quota <microseconds>", "how much CPU time it may use in each period")
    .option("--cpuset-cpus <list>", "the CPUs that it may run on, such as 0-1,3")
    .option("--cpuset-mems <list>", "the memory nodes that it may use")
    .option("--pids-limit <number>", "the most processes it may have; -1 for no limit");
}
