import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect } from "@slipway/client/connect";
import { TestDaemon } from "../support/daemon.ts";

/** More of them than a message may have: 16 MiB. */
const count = 2_000;
const specBytes = 12 * 1024;

describe("thousands of containers with large specs", () => {
  let daemon: TestDaemon;
  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    await using client = connect({ address: daemon.address, namespace: "default" });
    const annotations = { large: "x".repeat(specBytes) };
    const value = Buffer.from(JSON.stringify({ process: { args: ["true"] }, annotations }));
    for (let at = 0; at < count; at += 100) {
      const ids = Array.from({ length: 100 }, (_, n) => `c${at + n}`);
      await Promise.all(
        ids.map((id) =>
          client.containers.create({
            id,
            labels: { id },
            image: "",
            runtime: { name: "io.containerd.runc.v2" },
            spec: { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", value },
            snapshotter: "",
            snapshotKey: "",
            extensions: {},
            sandboxId: "",
          }),
        ),
      );
    }
  });
  after(() => daemon[Symbol.asyncDispose]());

  it("are listed by the client, by filter as well", async () => {
    await using client = connect({ address: daemon.address, namespace: "default" });
    const ids = (await client.containers.list()).map(({ id }) => id);
    assert.equal(new Set(ids).size, count);
    assert.deepEqual(ids, ids.toSorted());
    assert.deepEqual(
      (await client.containers.list(["labels.id==c7"])).map(({ id }) => id),
      ["c7"],
    );
  });

  it("are counted and listed by the command line, and by ctr", async () => {
    const lines = (text: string): string[] => text.trim().split("\n");
    assert.equal(lines(await daemon.printed("ps", "-aq")).length, count);
    assert.equal((await daemon.printed("info", "-f", "{{.Containers}}")).trim(), String(count));
    const usage = await daemon.printed("system", "df", "--format", "{{.Type}} {{.TotalCount}}");
    assert.ok(lines(usage).includes(`Containers ${count}`), usage);
    const { code, stdout } = await daemon.ctr(["containers", "ls", "-q"]);
    assert.deepEqual([code, lines(stdout).length], [0, count]);
  });

  it("keep a short call waiting for a piece of their lists, not for the lists", async () => {
    await using client = connect({ address: daemon.address, namespace: "default" });
    await using other = connect({ address: daemon.address, namespace: "default" });
    const order: string[] = [];
    const lists = Array.from({ length: 10 }, async () => {
      await client.containers.list(["labels.id==c7"]);
      order.push("list");
    });
    for (let call = 0; call < 20; call++) {
      await other.introspection.version();
      order.push("call");
    }
    await Promise.all(lists);
    // Each list is 20 pieces: before, all ten of them came first.
    assert.ok(order.indexOf("list") > 2, order.join(" "));
  });
});
