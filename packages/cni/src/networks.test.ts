import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import type { Attachment } from "./attachment.ts";
import { collectNetwork } from "./collect.ts";
import { type Network, readNetwork } from "./network.ts";
import { Networks } from "./networks.ts";
import { Plugins } from "./plugins.ts";
import { ResultCache } from "./result-cache.ts";
import { writePlugin } from "./testing/script-plugin.ts";

const attachment: Attachment = { containerId: "box", netns: "/run/netns/box", interfaceName: "eth0" };
const answer = '{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.2/24"}]}';

describe("Networks", () => {
  let folder: string;
  let networks: Networks;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cni-"));
    mkdirSync(join(folder, "bin"));
    networks = new Networks(new Plugins([join(folder, "bin")]), new ResultCache(join(folder, "cache")));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A plugin that writes down each call and its input. */
  function recorder(name: string, then: string): void {
    writePlugin(
      join(folder, "bin"),
      name,
      `echo "${name} $CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $CNI_ARGS" >> ${folder}/calls
cat > ${folder}/${name}-$CNI_COMMAND.json
${then}`,
    );
  }
  const calls = (): string[] => readFileSync(join(folder, "calls"), "utf8").split("\n").slice(0, -1);
  const inputOf = (name: string, command: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(folder, `${name}-${command}.json`), "utf8")) as Record<string, unknown>;
  const network = (types: readonly string[], more: object = {}): Network =>
    readNetwork(
      "test.conflist",
      Buffer.from(
        JSON.stringify({
          name: "test",
          cniVersion: "1.1.0",
          plugins: types.map((type) => ({ type, capabilities: { portMappings: true } })),
          ...more,
        }),
      ),
    );

  it("hands each plugin the result of the one before it, and what its capabilities allow", async () => {
    recorder("first", `echo '${answer}'`);
    recorder("second", `echo '${answer.replace("10.1.0.2", "10.1.0.3")}'`);
    const capabilityArgs = { portMappings: [{ hostPort: 1, containerPort: 2, protocol: "tcp" }], dns: {} };
    const result = await networks.add(network(["first", "second"]), {
      ...attachment,
      args: { IgnoreUnknown: "1" },
      capabilityArgs,
    });
    assert.deepEqual(result.ips, [{ address: "10.1.0.3/24" }]);
    assert.deepEqual(calls(), ["first ADD box eth0 IgnoreUnknown=1", "second ADD box eth0 IgnoreUnknown=1"]);
    assert.deepEqual(inputOf("second", "ADD"), {
      type: "second",
      capabilities: { portMappings: true },
      name: "test",
      cniVersion: "1.1.0",
      prevResult: JSON.parse(answer),
      runtimeConfig: { portMappings: capabilityArgs.portMappings },
    });
    assert.equal("prevResult" in inputOf("first", "ADD"), false);
  });

  it("detaches in the opposite order, with the result and the arguments of before", async () => {
    for (const name of ["first", "second"]) recorder(name, `[ $CNI_COMMAND = DEL ] || echo '${answer}'`);
    const list = network(["first", "second"]);
    await networks.add(list, { ...attachment, capabilityArgs: { portMappings: [{ hostPort: 80 }] } });
    await networks.remove(list, { ...attachment, netns: "" });
    assert.deepEqual(calls().slice(2), ["second DEL box eth0 ", "first DEL box eth0 "]);
    assert.deepEqual(inputOf("first", "DEL")["prevResult"], JSON.parse(answer));
    assert.deepEqual(inputOf("first", "DEL")["runtimeConfig"], { portMappings: [{ hostPort: 80 }] });
    assert.deepEqual(readdirSync(join(folder, "cache/results")), []);
  });

  it("undoes an attachment that failed half-way, and says which plugin said what", async () => {
    recorder("first", `[ $CNI_COMMAND = DEL ] || echo '${answer}'`);
    recorder("second", `echo '{"code": 11, "msg": "busy", "details": "come back"}'; exit 1`);
    await assert.rejects(networks.add(network(["first", "second"]), attachment), (error: unknown) => {
      assert.ok(error instanceof Fault);
      assert.equal(error.code, "unavailable");
      assert.deepEqual(error.details, [{ cniCode: 11 }]);
      assert.equal(
        error.message,
        'Cannot attach container "box" to network "test": Cannot run CNI plugin "second" (ADD): busy; come back',
      );
      return true;
    });
    assert.deepEqual(
      calls().map((call) => call.split(" ").slice(0, 2).join(" ")),
      ["first ADD", "second ADD", "second DEL", "first DEL"],
    );
  });

  for (const [script, why] of [
    ["echo oops >&2; exit 3", "it exited with 3: oops"],
    ["kill -9 $$", "it was killed by SIGKILL"],
    ["echo '[]'; exit 1", "it exited with 1"],
  ] as const) {
    it(`says how a plugin failed that does "${script}"`, async () => {
      recorder("bad", script);
      await assert.rejects(networks.status(network(["bad"])), {
        message: `Cannot run CNI plugin "bad" (STATUS): ${why}`,
      });
    });
  }

  for (const output of ["", "<html>", "{", '{"ips": 7}', '{"cniVersion":"1.0.0","ips":7}']) {
    it(`refuses ${JSON.stringify(output)} as the answer of a plugin`, async () => {
      recorder("odd", `[ $CNI_COMMAND = DEL ] || printf '%s' '${output}'`);
      const attempt = networks.add(network(["odd"]), attachment);
      if (output === '{"ips": 7}') await attempt;
      else await assert.rejects(attempt, /Cannot read what CNI plugin "odd" printed: /);
    });
  }

  it("kills a plugin that never stops writing", async () => {
    recorder("loud", "yes");
    await assert.rejects(networks.status(network(["loud"])), /killed by SIGKILL/);
  });

  it("kills a plugin when the call is aborted, detaches, and rejects with the reason", async () => {
    recorder("slow", `[ $CNI_COMMAND = DEL ] || { : > ${folder}/begun; exec sleep 1000; }`);
    const stop = new AbortController();
    const reason = new Error("enough");
    const attempt = networks.add(network(["slow"]), attachment, { signal: stop.signal });
    while (!existsSync(join(folder, "begun"))) await new Promise(setImmediate);
    stop.abort(reason);
    await assert.rejects(attempt, (error) => error === reason);
    assert.equal(calls().at(-1), "slow DEL box eth0 ");
  });

  it("names the package of a plugin that is not installed", async () => {
    await assert.rejects(networks.add(network(["nope"]), attachment), {
      code: "failed_precondition",
      message: /Cannot run CNI plugin "nope": it is not in .*apt-get install containernetworking-plugins/,
    });
  });

  for (const change of [
    { containerId: "" },
    { containerId: "../box" },
    { interfaceName: "" },
    { interfaceName: "sixteen-letters-" },
    { interfaceName: "a/b" },
    { args: { a: "b;c" } },
  ]) {
    it(`refuses an attachment with ${JSON.stringify(change)}`, async () => {
      await assert.rejects(networks.add(network(["first"]), { ...attachment, ...change }), {
        code: "invalid_argument",
      });
    });
  }

  it("calls DEL of all plugins though one fails, and remembers the attachment until it is gone", async () => {
    recorder("first", `[ $CNI_COMMAND = DEL ] || echo '${answer}'`);
    recorder("second", `[ $CNI_COMMAND = DEL ] && [ ! -e ${folder}/mended ] && exit 1; echo '${answer}'`);
    const list = network(["first", "second"]);
    await networks.add(list, attachment);
    await assert.rejects(
      networks.remove(list, attachment),
      /Cannot detach container "box" from network "test"/,
    );
    assert.equal(calls().at(-1), "first DEL box eth0 ");
    assert.equal((await networks.cache.list("box")).length, 1);
    writeFileSync(join(folder, "mended"), "");
    await networks.remove(list, attachment);
    assert.deepEqual(await networks.cache.list(), []);
  });

  it("collects what belongs to nobody, and asks the plugins to do the same", async () => {
    recorder("first", `[ $CNI_COMMAND = ADD ] && echo '${answer}' || true`);
    const list = network(["first"]);
    await networks.add(list, attachment);
    await networks.add(list, { ...attachment, containerId: "lost" });
    await collectNetwork(networks, list, [attachment]);
    assert.deepEqual(
      (await networks.cache.list()).map((one) => one.attachment.containerId),
      ["box"],
    );
    assert.deepEqual(calls().slice(2), ["first DEL lost eth0 ", "first GC   "]);
    assert.deepEqual(inputOf("first", "GC")["cni.dev/valid-attachments"], [
      { containerID: "box", ifname: "eth0" },
    ]);
    await collectNetwork(networks, network(["first"], { disableGC: true }), []);
    assert.equal((await networks.cache.list()).length, 1);
  });

  it("does not CHECK what was made before 0.4.0, or where the network says so", async () => {
    recorder("first", "exit 1");
    await networks.check(network(["first"], { cniVersion: "0.3.1" }), attachment);
    await networks.check(network(["first"], { disableCheck: true }), attachment);
    await assert.rejects(networks.check(network(["first"]), attachment), /\(CHECK\)/);
  });

  it("detaches although the cache is damaged", async () => {
    recorder("first", `[ $CNI_COMMAND = DEL ] || echo '${answer}'`);
    const list = network(["first"]);
    await networks.add(list, attachment);
    writeFileSync(join(folder, "cache/results/test-box-eth0"), '{"kind":');
    await networks.remove(list, attachment);
    assert.equal(calls().at(-1), "first DEL box eth0 ");
    assert.deepEqual(readdirSync(join(folder, "cache/results")), []);
  });
});
