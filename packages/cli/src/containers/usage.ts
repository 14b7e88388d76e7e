import { fromBinary } from "@bufbuild/protobuf";
import { MetricsSchema as MetricsV1Schema } from "@slipway/api/io/containerd/cgroups/v1/cgroups_pb";
import { MetricsSchema as MetricsV2Schema } from "@slipway/api/io/containerd/cgroups/v2/cgroups_pb";
import type { Any } from "@slipway/core/any";
import { Fault, hasCode } from "@slipway/fault/fault";

/** What a container has used, or uses. */
export interface Usage {
  readonly cpuNanoseconds: bigint;
  readonly memoryBytes: number;
  /** The machine's memory or more when there is none. */
  readonly memoryLimitBytes: number;
  readonly pids: number;
  /** From and to disks. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/**
 * What a task uses; undefined if its shim or runtime cannot say: one container is no failure of a list.
 * @throws {Fault} `not_found` when it has ended, or when the daemon does not answer
 */
export async function readUsage(
  tasks: { metrics(id: string): Promise<Any> },
  id: string,
): Promise<Usage | undefined> {
  try {
    return usageOf(await tasks.metrics(id));
  } catch (error) {
    if (!(error instanceof Fault) || hasCode(error, "not_found", "canceled")) throw error;
    return undefined;
  }
}

/** Reads a task's metrics: cgroup v1 or v2. Memory is without the page cache that can go at once, as Docker has it. */
export function usageOf({ typeUrl, value }: Any): Usage {
  if (typeUrl.endsWith("io.containerd.cgroups.v1.Metrics")) {
    const { cpu, memory, pids, blkio } = fromBinary(MetricsV1Schema, value);
    const moved = (wanted: string): number =>
      sum(
        (blkio?.ioServiceBytesRecursive ?? []).filter(({ op }) => op === wanted).map((entry) => entry.value),
      );
    const { usage = 0n, limit = 0n } = memory?.usage ?? {};
    return {
      cpuNanoseconds: cpu?.usage?.total ?? 0n,
      memoryBytes: Number(usage - (memory?.totalInactiveFile ?? 0n)),
      memoryLimitBytes: Number(limit),
      pids: Number(pids?.current ?? 0n),
      readBytes: moved("Read"),
      writtenBytes: moved("Write"),
    };
  }
  if (typeUrl.endsWith("io.containerd.cgroups.v2.Metrics")) {
    const { cpu, memory, pids, io } = fromBinary(MetricsV2Schema, value);
    return {
      cpuNanoseconds: (cpu?.usageUsec ?? 0n) * 1000n,
      memoryBytes: Number((memory?.usage ?? 0n) - (memory?.inactiveFile ?? 0n)),
      memoryLimitBytes: Number(memory?.usageLimit ?? 0n),
      pids: Number(pids?.current ?? 0n),
      readBytes: sum((io?.usage ?? []).map(({ rbytes }) => rbytes)),
      writtenBytes: sum((io?.usage ?? []).map(({ wbytes }) => wbytes)),
    };
  }
  throw new Fault("unimplemented", `Cannot read metrics of type "${typeUrl}"`);
}

function sum(values: readonly bigint[]): number {
  return Number(values.reduce((total, value) => total + value, 0n));
}
