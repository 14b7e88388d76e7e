import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { assertReadsAnything } from "@slipway/oci/documents/testing/hostile-json";
import { type Network, readNetwork, readSinglePlugin } from "./network.ts";

const bridge = { type: "bridge", capabilities: { ips: true, mac: false } };
const read = (value: unknown): Network => readNetwork("10-a.conflist", Buffer.from(JSON.stringify(value)));

describe("readNetwork", () => {
  it("reads what nerdctl writes", () => {
    const network = read({
      cniVersion: "1.0.0",
      name: "bridge",
      nerdctlID: "17f29b073143d8cd97b5bbe492bdeffec1c5fee55cc1fe2112c8b9335f8b6121",
      nerdctlLabels: { "nerdctl/default-network": "true" },
      plugins: [
        { type: "bridge", bridge: "nerdctl0", isGateway: true, capabilities: { ips: true } },
        { type: "portmap", capabilities: { portMappings: true } },
      ],
    });
    assert.equal(network.name, "bridge");
    assert.equal(network.cniVersion, "1.0.0");
    assert.deepEqual(
      network.plugins.map(({ type, capabilities }) => [type, ...capabilities]),
      [
        ["bridge", "ips"],
        ["portmap", "portMappings"],
      ],
    );
    assert.equal(network.plugins[0]?.config["bridge"], "nerdctl0");
  });

  it("leaves out a capability that is false", () => {
    assert.deepEqual([...(read({ name: "a", plugins: [bridge] }).plugins[0]?.capabilities ?? [])], ["ips"]);
  });

  for (const [versions, chosen] of [
    [{}, "0.1.0"],
    [{ cniVersion: "" }, "0.1.0"],
    [{ cniVersion: "0.4.0" }, "0.4.0"],
    [{ cniVersion: "0.4.0", cniVersions: ["0.3.1", "1.0.0"] }, "1.0.0"],
    [{ cniVersion: "1.0.0", cniVersions: ["1.1.0", "9.0.0"] }, "1.1.0"],
    [{ cniVersion: "9.0.0" }, "9.0.0"],
  ] as const) {
    it(`speaks ${chosen} for ${JSON.stringify(versions)}`, () => {
      assert.equal(read({ name: "a", plugins: [bridge], ...versions }).cniVersion, chosen);
    });
  }

  for (const [value, why] of [
    [{ plugins: [bridge] }, '"name" is missing'],
    [{ name: 7, plugins: [bridge] }, '"name" is 7, not text'],
    [{ name: "../a", plugins: [bridge] }, `"name" is "../a", not a network's name`],
    [{ name: "a", plugins: [] }, '"plugins" names no plugin'],
    [{ name: "a", plugins: {} }, '"plugins" is an object, not a list'],
    [{ name: "a", plugins: [{}] }, '"plugins[0].type" is missing'],
    [{ name: "a", plugins: [{ type: "../../bin/sh" }] }, '"plugins[0].type" is no file name'],
    [{ name: "a", loadOnlyInlinedPlugins: true }, '"plugins" names no plugin'],
    [{ name: "a", plugins: [bridge], cniVersion: "new" }, '"cniVersion" is "new", not a version'],
    [{ name: "a", plugins: [bridge], disableCheck: "no" }, '"disableCheck" is "no", not true or false'],
    [[], "it is a list, not an object"],
  ] as const) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => read(value),
        (error) => error instanceof Fault && error.message === `Cannot read 10-a.conflist: ${why}`,
      );
    });
  }

  it("reads anything as a network or refuses it in a sentence", () => {
    const valid = {
      name: "a",
      cniVersion: "1.0.0",
      cniVersions: ["0.4.0"],
      disableGC: true,
      plugins: [bridge],
    };
    assertReadsAnything("10-a.conflist", [valid], (bytes) => readNetwork("10-a.conflist", bytes));
  });
});

describe("readSinglePlugin", () => {
  it("makes a list of one", () => {
    const network = readSinglePlugin(
      "a.conf",
      Buffer.from('{"name":"a","type":"bridge","cniVersion":"0.3.1"}'),
    );
    assert.deepEqual(JSON.parse(String(network.bytes)), {
      name: "a",
      cniVersion: "0.3.1",
      plugins: [{ name: "a", type: "bridge", cniVersion: "0.3.1" }],
    });
  });
});
