import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { MetricsSchema as LegacySchema } from "@slipway/api/io/containerd/cgroups/v1/cgroups_pb";
import {
  type Metrics,
  MetricsSchema as UnifiedSchema,
} from "@slipway/api/io/containerd/cgroups/v2/cgroups_pb";
import type { Any } from "@slipway/core/any";
import { hasCode } from "@slipway/fault/fault";
import { cgroupOf } from "@slipway/linux/cgroup/cgroup";
import { readKeyValues } from "@slipway/linux/cgroup/files";
import { until } from "../support/until.ts";
import type { TaskHost } from "./host.ts";

const MIB = 1024 * 1024;
const resourcesType = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

/** What a task may use, what it does use, and what happens when that is more. */
export function limitTests(host: () => TaskHost): void {
  it("has the limits that it is given, and those that it is given later", async () => {
    const resources = {
      memory: { limit: 64 * MIB },
      pids: { limit: 50 },
      cpu: { shares: 512, quota: 50_000, period: 100_000 },
    };
    const task = await host().run("sleep 1000", { resources });
    assert.equal(memoryLimit(task.pid), 64 * MIB);
    assert.equal(limitOf(task.pid, "pids", "pids.max", "pids.max"), "50");
    assert.match(limitOf(task.pid, "cpu", "cpu.cfs_quota_us", "cpu.max"), /^50000(?: 100000)?$/);
    await host().client.tasks.update(task.id, json({ memory: { limit: 96 * MIB }, cpu: { quota: 70_000 } }));
    assert.equal(memoryLimit(task.pid), 96 * MIB);
    assert.match(limitOf(task.pid, "cpu", "cpu.cfs_quota_us", "cpu.max"), /^70000(?: 100000)?$/);
    await task.end();
  });

  it("is measured", async () => {
    const task = await host().run("i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; echo ready; sleep 1000", {
      resources: { memory: { limit: 64 * MIB } },
    });
    await task.stdout?.until("ready");
    const { cpuNs, memory, limit, pids } = figures(await host().client.tasks.metrics(task.id));
    assert.ok(cpuNs > 0n, "time on the CPU");
    assert.ok(memory > 0n && memory < BigInt(64 * MIB), "memory in use");
    assert.equal(limit, BigInt(64 * MIB));
    assert.equal(pids, 1n);
    await task.end();
  });

  it("is measured as the kernel has it", { skip: cgroupOf(process.pid).version === 1 }, async () => {
    const task = await host().run("sleep 1000", { resources: { memory: { limit: 64 * MIB } } });
    // What is frozen uses no more. The kernel's sums may still come after it.
    await host().client.tasks.pause(task.id);
    await until(async () => {
      const cgroup = cgroupOf(task.pid);
      assert.ok(cgroup.version === 2);
      const { memory, memoryEvents, cpu } = unified(await host().client.tasks.metrics(task.id));
      const parts = [
        ["memory.stat", memory],
        ["memory.events", memoryEvents],
        ["cpu.stat", cpu],
      ] as const;
      return parts.every(([file, message]) => differences(join(cgroup.path, file), message).length === 0);
    });
    await host().client.tasks.resume(task.id);
    await task.end();
  });

  it("is killed when it wants more memory than it may have, which is told", async () => {
    // tail keeps what it reads until a line ends.
    const task = await host().run("head -c 100000000 /dev/zero | tail -n 1 | wc -c; sleep 1000", {
      resources: { memory: { limit: 32 * MIB } },
    });
    const told = await host().events.first(task.id, "/tasks/oom");
    assert.equal(told.containerId, task.id);
    // The kernel may take the shell as well before the memory is free.
    await task.kill(9).catch((error: unknown) => {
      if (!hasCode(error, "not_found")) throw error;
    });
    await task.wait();
    await task.delete();
  });

  it("whose first process is killed for want of memory tells both", async () => {
    const task = await host().createArgs(["tail", "-n", "1", "/dev/zero"], {
      resources: { memory: { limit: 32 * MIB } },
    });
    await task.start();
    assert.equal((await task.wait()).exitStatus, 137);
    await host().events.first(task.id, "/tasks/oom");
    await task.delete();
  });
}

function json(value: object): Any {
  return { typeUrl: resourcesType, value: Buffer.from(JSON.stringify(value)) };
}

function memoryLimit(pid: number): number {
  return Number(limitOf(pid, "memory", "memory.limit_in_bytes", "memory.max"));
}

/** What the kernel has for a process, under its name in either version of cgroups. */
function limitOf(pid: number, controller: string, legacy: string, unified: string): string {
  const cgroup = cgroupOf(pid);
  const path =
    cgroup.version === 2 ? join(cgroup.path, unified) : join(cgroup.paths.get(controller) ?? "", legacy);
  return readFileSync(path, "utf8").trim();
}

function unified({ typeUrl, value }: Any): Metrics {
  assert.ok(typeUrl.endsWith(UnifiedSchema.typeName), typeUrl);
  return fromBinary(UnifiedSchema, value);
}

/** Figures of a file that the message has as well, under names in camel case, and otherwise. */
function differences(file: string, message: object | undefined): string[] {
  const told = new Map(Object.entries(message ?? {}));
  const shared = [...readKeyValues(file)].filter(([name]) => told.has(camelCase(name)));
  assert.notEqual(shared.length, 0, file);
  return shared.filter(([name, value]) => told.get(camelCase(name)) !== value).map(([name]) => name);
}

function camelCase(name: string): string {
  return name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

interface Figures {
  readonly cpuNs: bigint;
  readonly memory: bigint;
  readonly limit: bigint;
  readonly pids: bigint;
}

/** What both messages of containerd have. */
function figures({ typeUrl, value }: Any): Figures {
  if (typeUrl.endsWith(UnifiedSchema.typeName)) {
    const { cpu, memory, pids } = fromBinary(UnifiedSchema, value);
    return {
      cpuNs: (cpu?.usageUsec ?? 0n) * 1000n,
      memory: memory?.usage ?? 0n,
      limit: memory?.usageLimit ?? 0n,
      pids: pids?.current ?? 0n,
    };
  }
  const { cpu, memory, pids } = fromBinary(LegacySchema, value);
  return {
    cpuNs: cpu?.usage?.total ?? 0n,
    memory: memory?.usage?.usage ?? 0n,
    limit: memory?.usage?.limit ?? 0n,
    pids: pids?.current ?? 0n,
  };
}
