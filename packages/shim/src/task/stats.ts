import type { StatsRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { MetricsSchema as LegacySchema } from "@slipway/api/io/containerd/cgroups/v1/cgroups_pb";
import { MetricsSchema as UnifiedSchema } from "@slipway/api/io/containerd/cgroups/v2/cgroups_pb";
import { Fault } from "@slipway/fault/fault";
import { type Cgroup, cgroupOf } from "@slipway/linux/cgroup/cgroup";
import { type CgroupStats, cgroupStats } from "@slipway/linux/cgroup/stats";
import { packAny } from "../events.ts";
import type { Request, Shim } from "../shim.ts";

/** The container's cgroup figures, as containerd's metrics message of the cgroup version. */
export function taskStats(
  shim: Shim,
  request: Request<StatsRequest>,
): { stats: { typeUrl: string; value: Uint8Array } } {
  const { init } = shim.container(request.id);
  const cgroup = cgroupOfInit(init.pid, init.exit !== undefined);
  const stats = cgroupStats(cgroup);
  return { stats: cgroup.version === 2 ? unified(stats) : legacy(stats) };
}

function cgroupOfInit(pid: number, isStopped: boolean): Cgroup {
  if (isStopped) throw new Fault("not_found", "cgroup does not exist");
  try {
    return cgroupOf(pid);
  } catch (error) {
    throw new Fault("not_found", "cgroup does not exist", { cause: error });
  }
}

function unified({ cpu, memory, pids, io }: CgroupStats): { typeUrl: string; value: Uint8Array } {
  const stat = (key: string): bigint => memory.stat.get(key) ?? 0n;
  const devices = Map.groupBy(io, ({ major, minor }) => `${major}:${minor}`);
  return packAny(UnifiedSchema, {
    pids,
    cpu: {
      usageUsec: cpu.totalNs / 1000n,
      userUsec: cpu.userNs / 1000n,
      systemUsec: cpu.systemNs / 1000n,
      nrPeriods: cpu.periods,
      nrThrottled: cpu.throttledPeriods,
      throttledUsec: cpu.throttledNs / 1000n,
    },
    memory: {
      anon: stat("anon"),
      file: stat("file"),
      kernelStack: stat("kernel_stack"),
      slab: stat("slab"),
      sock: stat("sock"),
      shmem: stat("shmem"),
      fileMapped: stat("file_mapped"),
      fileDirty: stat("file_dirty"),
      fileWriteback: stat("file_writeback"),
      anonThp: stat("anon_thp"),
      inactiveAnon: stat("inactive_anon"),
      activeAnon: stat("active_anon"),
      inactiveFile: stat("inactive_file"),
      activeFile: stat("active_file"),
      unevictable: stat("unevictable"),
      slabReclaimable: stat("slab_reclaimable"),
      slabUnreclaimable: stat("slab_unreclaimable"),
      pgfault: stat("pgfault"),
      pgmajfault: stat("pgmajfault"),
      usage: memory.usage,
      usageLimit: memory.limit,
      maxUsage: memory.max,
      swapUsage: memory.swapUsage,
      swapLimit: memory.swapLimit,
    },
    memoryEvents: {
      low: memory.events.get("low") ?? 0n,
      high: memory.events.get("high") ?? 0n,
      max: memory.events.get("max") ?? 0n,
      oom: memory.events.get("oom") ?? 0n,
      oomKill: memory.events.get("oom_kill") ?? 0n,
    },
    io: {
      usage: [...devices.values()].map((entries) => {
        const of = (name: string): { bytes: bigint; operations: bigint } =>
          entries.find(({ operation }) => operation === name) ?? { bytes: 0n, operations: 0n };
        const { major = 0n, minor = 0n } = entries[0] ?? {};
        const [read, write] = [of("read"), of("write")];
        return {
          major,
          minor,
          rbytes: read.bytes,
          wbytes: write.bytes,
          rios: read.operations,
          wios: write.operations,
        };
      }),
    },
  });
}

function legacy({ cpu, memory, pids, io }: CgroupStats): { typeUrl: string; value: Uint8Array } {
  const stat = (key: string): bigint => memory.stat.get(key) ?? 0n;
  const entry = (operation: string): string => operation.charAt(0).toUpperCase() + operation.slice(1);
  return packAny(LegacySchema, {
    pids,
    cpu: {
      usage: { total: cpu.totalNs, kernel: cpu.systemNs, user: cpu.userNs, perCpu: [...cpu.perCpuNs] },
      throttling: {
        periods: cpu.periods,
        throttledPeriods: cpu.throttledPeriods,
        throttledTime: cpu.throttledNs,
      },
    },
    memory: {
      cache: stat("cache"),
      rss: stat("rss"),
      rssHuge: stat("rss_huge"),
      mappedFile: stat("mapped_file"),
      dirty: stat("dirty"),
      writeback: stat("writeback"),
      pgPgIn: stat("pgpgin"),
      pgPgOut: stat("pgpgout"),
      pgFault: stat("pgfault"),
      pgMajFault: stat("pgmajfault"),
      inactiveAnon: stat("inactive_anon"),
      activeAnon: stat("active_anon"),
      inactiveFile: stat("inactive_file"),
      activeFile: stat("active_file"),
      unevictable: stat("unevictable"),
      hierarchicalMemoryLimit: stat("hierarchical_memory_limit"),
      hierarchicalSwapLimit: stat("hierarchical_memsw_limit"),
      totalCache: stat("total_cache"),
      totalRss: stat("total_rss"),
      totalRssHuge: stat("total_rss_huge"),
      totalMappedFile: stat("total_mapped_file"),
      totalDirty: stat("total_dirty"),
      totalWriteback: stat("total_writeback"),
      totalPgPgIn: stat("total_pgpgin"),
      totalPgPgOut: stat("total_pgpgout"),
      totalPgFault: stat("total_pgfault"),
      totalPgMajFault: stat("total_pgmajfault"),
      totalInactiveAnon: stat("total_inactive_anon"),
      totalActiveAnon: stat("total_active_anon"),
      totalInactiveFile: stat("total_inactive_file"),
      totalActiveFile: stat("total_active_file"),
      totalUnevictable: stat("total_unevictable"),
      usage: { limit: memory.limit, usage: memory.usage, max: memory.max, failcnt: memory.failures },
      swap: { limit: memory.swapLimit, usage: memory.swapUsage, max: 0n, failcnt: 0n },
    },
    memoryOomControl: {
      oomKillDisable: memory.events.get("oom_kill_disable") ?? 0n,
      underOom: memory.events.get("under_oom") ?? 0n,
      oomKill: memory.events.get("oom_kill") ?? 0n,
    },
    blkio: {
      ioServiceBytesRecursive: io.map(({ major, minor, operation, bytes }) => ({
        major,
        minor,
        op: entry(operation),
        value: bytes,
      })),
      ioServicedRecursive: io.map(({ major, minor, operation, operations }) => ({
        major,
        minor,
        op: entry(operation),
        value: operations,
      })),
    },
  });
}
