import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hugePageSizes } from "./huge-pages.ts";
import { unifiedStats } from "./unified-stats.ts";

const UNLIMITED = 2n ** 64n - 1n;

describe("unifiedStats", () => {
  it("has what a kernel wrote", () => {
    const folder = mkdtempSync(join(tmpdir(), "cgroup-"));
    try {
      const files = {
        "cpu.stat": "usage_usec 12\nuser_usec 7\nsystem_usec 5\nnr_bursts 3\n",
        "cpu.pressure":
          "some avg10=1.50 avg60=0.25 avg300=0.00 total=42\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
        "memory.current": "4096\n",
        "memory.max": "max\n",
        "memory.stat": "anon 1\nworkingset_refault_anon 2\npgscan 3\n",
        "memory.events": "low 0\noom_group_kill 9\n",
        "memory.swap.peak": "11\n",
        "pids.current": "2\n",
        "pids.max": "max\n",
        "io.stat":
          "254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n8:16 \n7:1 rbytes=10 wbytes=0 rios=1 wios=0\n",
        "rdma.current": "mlx4_0 hca_handle=2 hca_object=20\n",
        "rdma.max": "mlx4_0 hca_handle=max hca_object=2000\n",
      };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      for (const size of hugePageSizes()) {
        writeFileSync(join(folder, `hugetlb.${size}.current`), "2097152\n");
        writeFileSync(join(folder, `hugetlb.${size}.max`), "max\n");
        writeFileSync(join(folder, `hugetlb.${size}.events`), "max 6\n");
      }

      const { cpu, memory, pids, io, hugetlb, rdma, pressure } = unifiedStats(folder);
      assert.deepEqual([cpu.get("user_usec"), cpu.get("nr_bursts")], [7n, 3n]);
      assert.deepEqual([memory.current, memory.max, memory.swap.peak], [4096n, UNLIMITED, 11n]);
      assert.deepEqual([memory.stat.get("pgscan"), memory.events.get("oom_group_kill")], [3n, 9n]);
      assert.deepEqual(pids, { current: 2n, max: UNLIMITED });
      assert.deepEqual(io, [
        { major: 254n, minor: 0n, rbytes: 1n, wbytes: 2n, rios: 3n, wios: 4n },
        { major: 7n, minor: 1n, rbytes: 10n, wbytes: 0n, rios: 1n, wios: 0n },
      ]);
      assert.deepEqual(
        hugetlb,
        hugePageSizes().map((pagesize) => ({ pagesize, current: 2097152n, max: UNLIMITED, failcnt: 6n })),
      );
      assert.deepEqual(rdma, {
        current: [{ device: "mlx4_0", hcaHandles: 2, hcaObjects: 20 }],
        max: [{ device: "mlx4_0", hcaHandles: 4294967295, hcaObjects: 2000 }],
      });
      assert.deepEqual(pressure, {
        cpu: {
          some: { avg10: 1.5, avg60: 0.25, avg300: 0, total: 42n },
          full: { avg10: 0, avg60: 0, avg300: 0, total: 7n },
        },
        memory: undefined,
        io: undefined,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is all nothing where there is no such cgroup", () => {
    const { cpu, memory, io, pids } = unifiedStats("/no/such/cgroup");
    assert.deepEqual([cpu.size, memory.current, io, pids.max], [0, 0n, [], 0n]);
  });
});
