import { join } from "node:path";
import type { Cgroup } from "./cgroup.ts";
import { readKeyValues, readNumber, readText } from "./files.ts";

/** Figures of a cgroup: CPU in nanoseconds, memory in bytes. */
export interface CgroupStats {
  readonly cpu: {
    readonly totalNs: bigint;
    readonly userNs: bigint;
    readonly systemNs: bigint;
    readonly perCpuNs: readonly bigint[];
    readonly periods: bigint;
    readonly throttledPeriods: bigint;
    readonly throttledNs: bigint;
  };
  readonly memory: {
    readonly usage: bigint;
    readonly limit: bigint;
    readonly max: bigint;
    readonly failures: bigint;
    readonly swapUsage: bigint;
    readonly swapLimit: bigint;
    /** The lines of memory.stat as the kernel names them. */
    readonly stat: ReadonlyMap<string, bigint>;
    readonly events: ReadonlyMap<string, bigint>;
  };
  readonly pids: { readonly current: bigint; readonly limit: bigint };
  readonly io: readonly IoEntry[];
}

export interface IoEntry {
  readonly major: bigint;
  readonly minor: bigint;
  /** `read` or `write`. */
  readonly operation: string;
  readonly bytes: bigint;
  readonly operations: bigint;
}

export function cgroupStats(cgroup: Cgroup): CgroupStats {
  return cgroup.version === 2 ? unifiedStats(cgroup.path) : legacyStats(cgroup.paths);
}

function unifiedStats(path: string): CgroupStats {
  const cpu = readKeyValues(join(path, "cpu.stat"));
  const microseconds = (key: string): bigint => (cpu.get(key) ?? 0n) * 1000n;
  const events = readKeyValues(join(path, "memory.events"));
  return {
    cpu: {
      totalNs: microseconds("usage_usec"),
      userNs: microseconds("user_usec"),
      systemNs: microseconds("system_usec"),
      perCpuNs: [],
      periods: cpu.get("nr_periods") ?? 0n,
      throttledPeriods: cpu.get("nr_throttled") ?? 0n,
      throttledNs: microseconds("throttled_usec"),
    },
    memory: {
      usage: readNumber(join(path, "memory.current")),
      limit: readNumber(join(path, "memory.max")),
      max: readNumber(join(path, "memory.peak")),
      failures: events.get("max") ?? 0n,
      swapUsage: readNumber(join(path, "memory.swap.current")),
      swapLimit: readNumber(join(path, "memory.swap.max")),
      stat: readKeyValues(join(path, "memory.stat")),
      events,
    },
    pids: {
      current: readNumber(join(path, "pids.current")),
      limit: readNumber(join(path, "pids.max"), { max: 0n }),
    },
    io: parseIoStat(readText(join(path, "io.stat")) ?? ""),
  };
}

// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" a line.
function parseIoStat(text: string): IoEntry[] {
  return text
    .split("\n")
    .filter((line) => line.includes("="))
    .flatMap((line) => {
      const [device = "", ...pairs] = line.split(" ");
      const [major = "0", minor = "0"] = device.split(":");
      const values = new Map(pairs.map((pair): [string, string] => splitPair(pair)));
      const entry = (operation: string, letter: string): IoEntry => ({
        major: BigInt(major),
        minor: BigInt(minor),
        operation,
        bytes: BigInt(values.get(`${letter}bytes`) ?? 0),
        operations: BigInt(values.get(`${letter}ios`) ?? 0),
      });
      return [entry("read", "r"), entry("write", "w")];
    });
}

function splitPair(pair: string): [string, string] {
  const [key = "", value = "0"] = pair.split("=");
  return [key, value];
}

function legacyStats(paths: ReadonlyMap<string, string>): CgroupStats {
  const file = (controller: string, name: string): string =>
    join(paths.get(controller) ?? "/nonexistent", name);
  const throttling = readKeyValues(file("cpu", "cpu.stat"));
  const times = readKeyValues(file("cpuacct", "cpuacct.stat"));
  const perCpu = (readText(file("cpuacct", "cpuacct.usage_percpu")) ?? "").trim();
  return {
    cpu: {
      totalNs: readNumber(file("cpuacct", "cpuacct.usage")),
      userNs: (times.get("user") ?? 0n) * NS_A_TICK,
      systemNs: (times.get("system") ?? 0n) * NS_A_TICK,
      perCpuNs: perCpu === "" ? [] : perCpu.split(" ").map(BigInt),
      periods: throttling.get("nr_periods") ?? 0n,
      throttledPeriods: throttling.get("nr_throttled") ?? 0n,
      throttledNs: throttling.get("throttled_time") ?? 0n,
    },
    memory: {
      usage: readNumber(file("memory", "memory.usage_in_bytes")),
      limit: readNumber(file("memory", "memory.limit_in_bytes")),
      max: readNumber(file("memory", "memory.max_usage_in_bytes")),
      failures: readNumber(file("memory", "memory.failcnt")),
      swapUsage: readNumber(file("memory", "memory.memsw.usage_in_bytes")),
      swapLimit: readNumber(file("memory", "memory.memsw.limit_in_bytes")),
      stat: readKeyValues(file("memory", "memory.stat")),
      events: readKeyValues(file("memory", "memory.oom_control")),
    },
    pids: {
      current: readNumber(file("pids", "pids.current")),
      limit: readNumber(file("pids", "pids.max"), { max: 0n }),
    },
    io: legacyIo(
      file("blkio", "blkio.throttle.io_service_bytes"),
      file("blkio", "blkio.throttle.io_serviced"),
    ),
  };
}
// USER_HZ is 100 on every Linux that Node runs on.
const NS_A_TICK = 10_000_000n;

function legacyIo(bytesFile: string, operationsFile: string): IoEntry[] {
  const operations = new Map(parseBlkio(operationsFile).map(({ key, value }) => [key, value]));
  return parseBlkio(bytesFile).map(({ key, major, minor, operation, value }) => ({
    major,
    minor,
    operation,
    bytes: value,
    operations: operations.get(key) ?? 0n,
  }));
}

function parseBlkio(
  path: string,
): { key: string; major: bigint; minor: bigint; operation: string; value: bigint }[] {
  return (readText(path) ?? "").split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (!match) return [];
    const [, major = "0", minor = "0", operation = "", value = "0"] = match;
    const key = `${major}:${minor} ${operation}`;
    return [
      {
        key,
        major: BigInt(major),
        minor: BigInt(minor),
        operation: operation.toLowerCase(),
        value: BigInt(value),
      },
    ];
  });
}
