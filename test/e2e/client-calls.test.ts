import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { pull } from "@slipway/client/pull";
import { pullInDaemon } from "@slipway/client/pull-in-daemon";
import { push } from "@slipway/client/push";
import { runContainer } from "@slipway/client/run";
import { hasCode } from "@slipway/fault/fault";
import { programs, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

/** What a program gives as the reason of an abort, that no code of ours could have made. */
class OwnReason extends Error {}

for (const program of programs) {
  describe(`calls of the client with ${program}`, () => {
    let daemon: TestDaemon;
    let registry: TestRegistry;
    let image: string;
    let client: Client;

    before(async () => {
      [daemon, registry] = await Promise.all([TestDaemon.start(program), TestRegistry.start()]);
      image = await pushBusybox(registry.host);
      client = connect({ address: daemon.address });
      await pull(client, image);
    });
    after(async () => {
      await client[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });

    const calls: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
      pull: (signal) => pull(client, image, { signal }),
      push: async (signal) => push(client, image, (await client.images.get(image)).target, { signal }),
      run: (signal) => runContainer(client, image, { args: ["true"], signal }),
      read: async (signal) => {
        const { target } = await client.images.get(image);
        return Array.fromAsync(client.content.read(target.digest, { signal }));
      },
      subscribe: (signal) => Array.fromAsync(client.events.subscribe([], { signal })),
      ...(program === "slipwayd"
        ? { pullInDaemon: (signal: AbortSignal) => pullInDaemon(client, image, { signal }) }
        : {}),
    };
    for (const [name, call] of Object.entries(calls)) {
      it(`${name} rejects with the reason of a signal that has aborted`, async () => {
        const reason = new OwnReason();
        await assert.rejects(call(AbortSignal.abort(reason)), (error) => error === reason);
      });
    }

    it("a call that is aborted while it waits rejects with the reason", async () => {
      await using container = await runContainer(client, image, { args: ["sleep", "1000"] });
      const stop = new AbortController();
      const reason = new OwnReason();
      const waits = [
        container.process.wait({ signal: stop.signal }),
        Array.fromAsync(client.events.subscribe([], { signal: stop.signal })),
        (await container.exec(["sleep", "1000"])).output({ signal: stop.signal }),
      ];
      // Each is under way once the daemon has answered a call that came after it.
      await client.images.list();
      stop.abort(reason);
      for (const wait of waits) await assert.rejects(wait, (error) => error === reason);
    });

    it("a timeout rejects with its TimeoutError", async () => {
      await using container = await runContainer(client, image, { args: ["sleep", "1000"] });
      await assert.rejects(container.process.wait({ signal: AbortSignal.timeout(1) }), {
        name: "TimeoutError",
      });
    });

    it("a pull that is aborted half-way rejects with the reason and leaves nothing", async () => {
      const other = client.inNamespace("half-way");
      const stop = new AbortController();
      const reason = new OwnReason();
      const pulling = pull(other, image, { onProgress: () => stop.abort(reason), signal: stop.signal });
      await assert.rejects(pulling, (error) => error === reason);
      assert.deepEqual(await other.images.list(), []);
      assert.deepEqual(await other.leases.list(), []);
      assert.deepEqual(await other.content.listStatuses(), []);
    });

    const failures = [
      { args: ["nope"], code: "not_found" },
      { args: ["/no/such/file"], code: "not_found" },
      { args: ["/etc"], code: "permission_denied" },
    ] as const;
    for (const { args, code } of failures) {
      it(`running and executing ${args[0]} fail with ${code}`, async () => {
        const isFailure = (error: unknown): boolean =>
          hasCode(error, code) && String(error).includes(args[0]);
        await assert.rejects(runContainer(client, image, { args }), isFailure);
        assert.deepEqual(await client.containers.list(), []);
        assert.deepEqual(await client.tasks.list(), []);
        await using container = await runContainer(client, image, { args: ["sleep", "1000"] });
        await assert.rejects(container.exec(args), isFailure);
      });
    }

    it("an image that the daemon does not have is not_found", async () => {
      await assert.rejects(runContainer(client, `${registry.host}/no/such:image`), { code: "not_found" });
    });

    it("variables come as an object and as a list", async () => {
      await using container = await runContainer(client, image, {
        args: ["sleep", "1000"],
        env: { A: "of the container", B: "x=y" },
      });
      const show = ["sh", "-c", "echo $A, $B, $C"];
      const listed = await (await container.exec(show, { env: ["C=listed"] })).output();
      assert.equal(String(listed.stdout), "of the container, x=y, listed\n");
      const named = await (await container.exec(show, { env: { A: "named" } })).output();
      assert.equal(String(named.stdout), "named, x=y,\n");
      await assert.rejects(container.exec(show, { env: { "A=B": "c" } }), { code: "invalid_argument" });
    });

    it("every store gives its list", async () => {
      const { target } = await client.images.get(image);
      const blobs = await client.content.list([`digest==${target.digest}`]);
      assert.deepEqual(
        blobs.map(({ digest }) => digest),
        [target.digest],
      );
      const snapshots = await client.snapshotter("overlayfs").list();
      assert.ok(snapshots.some(({ kind }) => kind === "committed"));
      assert.deepEqual(await client.containers.list(), []);
      assert.deepEqual(await client.leases.list(), []);
      assert.deepEqual(await client.tasks.list(), []);
      assert.ok((await client.namespaces.list()).some(({ name }) => name === client.namespace));
    });
  });
}
