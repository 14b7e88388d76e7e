import type { MessageInitShape } from "@bufbuild/protobuf";
import { type MemoryStatSchema, MetricsSchema } from "@slipway/api/io/containerd/cgroups/v2/cgroups_pb";
import type { UnifiedStats } from "@slipway/linux/cgroup/unified-stats";
import { packAny } from "../events.ts";

/** As containerd's message of version 2. */
export function unifiedMetrics(stats: UnifiedStats): ReturnType<typeof packAny> {
  const { cpu, memory, pids, io, hugetlb, rdma, pressure } = stats;
  const time = (name: string): bigint => cpu.get(name) ?? 0n;
  const events = (name: string): bigint => memory.events.get(name) ?? 0n;
  return packAny(MetricsSchema, {
    pids: { current: pids.current, limit: pids.max },
    cpu: {
      usageUsec: time("usage_usec"),
      userUsec: time("user_usec"),
      systemUsec: time("system_usec"),
      nrPeriods: time("nr_periods"),
      nrThrottled: time("nr_throttled"),
      throttledUsec: time("throttled_usec"),
      nrBursts: time("nr_bursts"),
      burstUsec: time("burst_usec"),
      ...(pressure.cpu && { psi: pressure.cpu }),
    },
    memory: memoryStat(stats),
    ...(memory.events.size > 0 && {
      memoryEvents: {
        low: events("low"),
        high: events("high"),
        max: events("max"),
        oom: events("oom"),
        oomKill: events("oom_kill"),
        oomGroupKill: events("oom_group_kill"),
      },
    }),
    io: { usage: [...io], ...(pressure.io && { psi: pressure.io }) },
    rdma: { current: [...rdma.current], limit: [...rdma.max] },
    hugetlb: [...hugetlb],
  });
}

function memoryStat({ memory, pressure }: UnifiedStats): MessageInitShape<typeof MemoryStatSchema> {
  const { swap } = memory;
  const stat = (name: string): bigint => memory.stat.get(name) ?? 0n;
  return {
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
    workingsetRefault: stat("workingset_refault"),
    workingsetActivate: stat("workingset_activate"),
    workingsetNodereclaim: stat("workingset_nodereclaim"),
    pgrefill: stat("pgrefill"),
    pgscan: stat("pgscan"),
    pgsteal: stat("pgsteal"),
    pgactivate: stat("pgactivate"),
    pgdeactivate: stat("pgdeactivate"),
    pglazyfree: stat("pglazyfree"),
    pglazyfreed: stat("pglazyfreed"),
    thpFaultAlloc: stat("thp_fault_alloc"),
    thpCollapseAlloc: stat("thp_collapse_alloc"),
    usage: memory.current,
    usageLimit: memory.max,
    maxUsage: memory.peak,
    swapUsage: swap.current,
    swapLimit: swap.max,
    swapMaxUsage: swap.peak,
    ...(pressure.memory && { psi: pressure.memory }),
  };
}
