import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { leased } from "@slipway/client/leased";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { containerSpec } from "@slipway/client/container-spec";
import { decodeEvent } from "@slipway/client/events";
import { readImage } from "@slipway/images/image-config";
import { pull, type PullProgress } from "@slipway/client/pull";
import { runContainer } from "@slipway/client/run";
import type { RunningExec } from "@slipway/client/running-exec";
import { Stdio } from "@slipway/client/stdio";
import type { ContentInfo } from "@slipway/core/content";
import { hasCode } from "@slipway/fault/fault";
import { compareDates, now } from "@slipway/fault/precise-date";
import { programs, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";

for (const program of programs) {
  describe(`the client with ${program}`, () => {
    let daemon: TestDaemon;
    let registry: TestRegistry;
    let image: string;
    let client: Client;

    before(async () => {
      [daemon, registry] = await Promise.all([TestDaemon.start(program), TestRegistry.start()]);
      image = await pushBusybox(registry.host);
      client = connect({ address: daemon.address });
    });
    after(async () => {
      await client[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });

    it("leaves the same content, labels and snapshots behind as ctr's pull does", async () => {
      const theirs = client.inNamespace("theirs");
      await output("ctr", ["-a", daemon.address, "-n", "theirs", "images", "pull", "--plain-http", image]);
      const ours = client.inNamespace("ours");
      await pull(ours, image);
      assert.deepEqual(await belongingsOf(ours), await belongingsOf(theirs));
      assert.deepEqual(await ours.leases.list(), []);
    });

    it("gives no time that is before the call that it is of", async () => {
      const own = client.inNamespace("times");
      await pull(own, image);
      const watching = new AbortController();
      const events = own.events.subscribe(['topic=="/containers/create"'], { signal: watching.signal });
      const event = events.next();
      const times: [what: string, before: Date, at: Date | undefined][] = [];
      for (let round = 0; round < 5; round += 1) {
        const before = now();
        await using container = await runContainer(own, image, { args: ["true"] });
        const exit = await own.tasks.wait({ containerId: container.id });
        const { createdAt, updatedAt } = await own.containers.get(container.id);
        times.push(["container", before, createdAt], ["container", before, updatedAt]);
        times.push(["exit", before, exit.exitedAt]);
        const leaseBefore = now();
        times.push(["lease", leaseBefore, (await own.leases.create({ id: `l${round}` })).createdAt]);
      }
      const { value } = await event;
      watching.abort();
      times.push(["event", times[0]?.[1] ?? now(), value?.timestamp]);
      for (const [what, before, at] of times) {
        assert.ok(
          at && compareDates(before, at) <= 0,
          `${what}: ${at?.toISOString()} is before ${before.toISOString()}`,
        );
      }
    });

    it("tells the progress of each blob, and does not fetch what is there", async () => {
      const seen: PullProgress[] = [];
      const pulled = await pull(client.inNamespace("progress"), image, {
        onProgress: (one) => seen.push(one),
      });
      const { manifest } = await readImage(client.inNamespace("progress").content, pulled.target);
      for (const { digest } of manifest.layers) {
        const states = seen.filter(({ target }) => target.digest === digest).map(({ state }) => state);
        assert.deepEqual([...new Set(states)], ["waiting", "fetching", "fetched", "unpacking", "unpacked"]);
      }
      const again: PullProgress[] = [];
      await pull(client.inNamespace("progress"), image, { onProgress: (one) => again.push(one) });
      const [layer] = manifest.layers;
      const states = again.filter(({ target }) => target.digest === layer?.digest).map(({ state }) => state);
      assert.deepEqual(states, ["waiting", "fetched", "unpacked"]);
    });

    it("leaves no lease and no image when a pull is given up or cannot be", async () => {
      const given = client.inNamespace("given-up");
      const leave = new AbortController();
      const stopped = pull(given, image, { onProgress: () => leave.abort(), signal: leave.signal });
      await assert.rejects(stopped, (error) => hasCode(error, "canceled"));
      await assert.rejects(pull(given, `${registry.host}/no/such:image`), (error) =>
        hasCode(error, "not_found"),
      );
      await pull(given, image);
      assert.deepEqual(await given.leases.list(), []);
      assert.deepEqual(
        (await given.images.list()).map(({ name }) => name),
        [image],
      );
    });

    it("runs a task with its streams, and hears of it", async () => {
      const { target } = await pull(client, image);
      const { config, chainId } = await readImage(client.content, target);
      const id = "client-test";
      // Nothing else holds the snapshot until the container names it.
      await using held = await leased(client);
      const rootfs = await held.client.snapshotter("overlayfs").prepare(id, chainId);
      const script = "read line; echo got $line; echo bad >&2; exit 3";
      const spec = containerSpec({ id, namespace: "default", image: config, args: ["sh", "-c", script] });
      await client.containers.create({
        id,
        labels: {},
        image,
        runtime: { name: program === "slipwayd" ? "io.containerd.slipway.v1" : "io.containerd.runc.v2" },
        spec: {
          typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
          value: Buffer.from(JSON.stringify(spec)),
        },
        snapshotter: "overlayfs",
        snapshotKey: id,
        extensions: {},
        sandboxId: "",
      });
      const leave = new AbortController();
      const exits = client.events.subscribe(['topic=="/tasks/exit"'], { signal: leave.signal });
      const heard = exits.next();
      using stdio = Stdio.open({ folder: daemon.folder.join("fifo"), stdin: true });
      await client.tasks.create(id, { rootfs, io: stdio.io });
      const exit = client.tasks.wait({ containerId: id });
      const printed = Promise.all([text(stdio.stdout), stdio.stderr && text(stdio.stderr)]);
      await client.tasks.start({ containerId: id });
      stdio.stdin?.write("typed\n");
      assert.equal((await exit).exitStatus, 3);
      assert.deepEqual(await printed, ["got typed\n", "bad\n"]);
      const event = await heard;
      assert.ok(!event.done);
      assert.equal(decodeEvent(event.value)?.["exitStatus"], 3);
      leave.abort();
      await client.tasks.delete(id);
      await client.containers.delete(id);
      await client.snapshotter("overlayfs").remove(id);
    });

    it("runs containers and further processes in them, and removes all of it", async () => {
      const ours = client.inNamespace("runs");
      await pull(ours, image);
      const before = await belongingsOf(ours);
      let directory = "";
      {
        const options = { args: ["sh", "-c", "cat; echo $WHO is $(id -un); exit 3"], stdin: true };
        await using container = await runContainer(ours, image, {
          ...options,
          env: ["WHO=this"],
          user: "daemon",
          labels: { made: "here" },
        });
        const { "nerdctl/state-dir": own, ...labels } = (await ours.containers.get(container.id)).labels;
        assert.deepEqual(labels, { made: "here" });
        directory = own ?? "";
        assert.ok(existsSync(directory));
        container.process.stdin?.write("typed\n");
        const { exitCode, stdout, stderr } = await container.process.output();
        assert.deepEqual([exitCode, String(stdout), String(stderr)], [3, "typed\nthis is daemon\n", ""]);
        await assert.rejects(container.exec(["true"]), (error) => hasCode(error, "failed_precondition"));
      }
      assert.ok(!existsSync(directory));
      {
        await using container = await runContainer(ours, image, { args: ["sleep", "1000"] });
        const cat = await container.exec(["cat"], { stdin: true });
        cat.stdin?.write("there\n");
        const [first] = await cat.stdout[Symbol.asyncIterator]()
          .next()
          .then(({ value }) => [value]);
        assert.equal(String(first), "there\n");
        const failing = await container.exec(["sh", "-c", "pwd >&2; exit 4"], { cwd: "/tmp", user: "1:2" });
        const { exitCode, stderr } = await failing.output();
        assert.deepEqual([exitCode, String(stderr)], [4, "/tmp\n"]);
        // Nothing of it is left, however many there will be; what became of it is known.
        assert.equal((await failing.wait()).exitStatus, 4);
        const isKnown = async ({ id }: RunningExec): Promise<boolean> =>
          await ours.tasks.get({ containerId: container.id, execId: id }).then(
            () => true,
            (error) => !hasCode(error, "not_found"),
          );
        assert.equal(await isKnown(failing), false);
        let left: RunningExec;
        {
          await using here = await container.exec(["sleep", "1000"]);
          left = here;
          assert.equal(await isKnown(here), true);
        }
        assert.equal(await isKnown(left), false);
        const terminal = await container.exec(["tty"], { terminal: true });
        assert.match(String((await terminal.output()).stdout), /^\/dev\/pts\/\d+\r\n$/);
        await cat.kill("term");
        assert.equal((await cat.wait()).exitStatus, 128 + 15);
        await assert.rejects(container.exec(["/none"]), /none/);
        // Ended with the container, also where that is frozen.
        await container.exec(["sleep", "1000"]);
        await ours.tasks.pause(container.id);
      }
      await assert.rejects(runContainer(ours, image, { args: ["/none"] }), /none/);
      await assert.rejects(runContainer(ours, image, { user: "none" }), /unable to find user none/);
      await assert.rejects(runContainer(ours, "none"), (error) => hasCode(error, "not_found"));
      assert.deepEqual(await belongingsOf(ours), before);
      assert.deepEqual([await ours.containers.list(), await ours.tasks.list()], [[], []]);
    });

    it("goes on after the daemon was started again", async () => {
      const { version } = await client.introspection.version();
      await daemon.stop();
      await assert.rejects(client.images.list(), (error) => hasCode(error, "unavailable"));
      await daemon.start();
      assert.equal((await client.introspection.version()).version, version);
      assert.equal((await client.images.get(image)).name, image);
    });
  });
}

/** What a namespace has after a pull, without the times. */
async function belongingsOf(client: Client): Promise<object> {
  const blobs = (await Array.fromAsync(client.content.walk())).map(
    ({ digest, sizeBytes, labels }: ContentInfo) => ({
      digest,
      sizeBytes,
      labels,
    }),
  );
  const snapshots = await Array.fromAsync(client.snapshotter("overlayfs").walk());
  return {
    blobs: blobs.toSorted((a, b) => a.digest.localeCompare(b.digest)),
    images: (await client.images.list()).map(({ name, target, labels }) => ({ name, target, labels })),
    snapshots: snapshots
      .map(({ kind, name, parent }) => ({ kind, name, parent }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}
