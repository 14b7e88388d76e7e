import { MetricsSchema } from "@slipway/api/io/containerd/cgroups/v1/cgroups_pb";
import type { LegacyStats } from "@slipway/linux/cgroup/legacy-stats";
import { packAny } from "../events.ts";

/** As containerd's message of version 1. */
export function legacyMetrics(stats: LegacyStats): ReturnType<typeof packAny> {
  const { cpu, memory, pids, io, hugetlb, rdma } = stats;
  const stat = (key: string): bigint => memory.stat.get(key) ?? 0n;
  const name = (operation: string): string => operation.charAt(0).toUpperCase() + operation.slice(1);
  return packAny(MetricsSchema, {
    pids,
    hugetlb: [...hugetlb],
    rdma: { current: [...rdma.current], limit: [...rdma.limit] },
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
      usage: memory.usage,
      swap: memory.swap,
      kernel: memory.kernel,
      kernelTcp: memory.kernelTcp,
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
        op: name(operation),
        value: bytes,
      })),
      ioServicedRecursive: io.map(({ major, minor, operation, operations }) => ({
        major,
        minor,
        op: name(operation),
        value: operations,
      })),
    },
  });
}
