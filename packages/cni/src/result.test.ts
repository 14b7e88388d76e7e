import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertReadsAnything } from "@slipway/oci/documents/testing/hostile-json";
import { type NetworkResult, readResult, resultIn } from "./result.ts";

const read = (value: unknown): NetworkResult => readResult("answer", JSON.stringify(value));
// The examples of the specification, shortened.
const v1 = {
  cniVersion: "1.0.0",
  interfaces: [
    { name: "cni0", mac: "00:11" },
    { name: "eth0", sandbox: "/run/netns/a", mtu: 1500 },
  ],
  ips: [{ address: "10.1.0.5/16", gateway: "10.1.0.1", interface: 1 }, { address: "fd00::5/64" }],
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0", gw: "fd00::1" }],
  dns: { nameservers: ["10.1.0.1"] },
};
const v02 = {
  cniVersion: "0.2.0",
  ip4: { ip: "10.1.0.5/16", gateway: "10.1.0.1", routes: [{ dst: "0.0.0.0/0" }] },
  ip6: { ip: "fd00::5/64", routes: [{ dst: "::/0", gw: "fd00::1" }] },
  dns: { nameservers: ["10.1.0.1"] },
};

describe("readResult", () => {
  it("reads each version to the same addresses and routes", () => {
    const [now, then] = [read(v1), read(v02)];
    assert.deepEqual(
      now.ips.map(({ address, gateway }) => [address, gateway]),
      then.ips.map(({ address, gateway }) => [address, gateway]),
    );
    assert.deepEqual(now.routes, then.routes);
    assert.deepEqual(now.dns, { nameservers: ["10.1.0.1"], search: [], options: [] });
    assert.equal(now.interfaces[1]?.sandbox, "/run/netns/a");
  });

  it("refuses what is no address", () => {
    assert.throws(() => read({ cniVersion: "1.0.0", ips: [{ address: "10.1.0.5" }] }), {
      code: "data_loss",
      message: 'Cannot read answer: "ips[0].address" is "10.1.0.5", not an address with its prefix length',
    });
  });

  it("reads anything as a result or refuses it in a sentence", () => {
    assertReadsAnything("answer", [v1, v02], (bytes) => readResult("answer", bytes));
  });
});

describe("resultIn", () => {
  it("gives the result as it was written to a plugin of the same version", () => {
    assert.deepEqual(resultIn("1.0.0", read(v1)), v1);
  });

  it("adds the family that versions before 1.0.0 have", () => {
    const { ips, cniVersion } = resultIn("0.4.0", read(v1));
    assert.equal(cniVersion, "0.4.0");
    assert.deepEqual(
      (ips as { version: string }[]).map(({ version }) => version),
      ["4", "6"],
    );
  });

  it("gives one address of each family to the oldest versions, and back", () => {
    const { dns: _, ...old } = resultIn("0.2.0", read(v1));
    const { dns: __, ...expected } = v02;
    assert.deepEqual(old, expected);
    assert.deepEqual(read(resultIn("1.0.0", read(v02))).ips, read(v02).ips);
  });
});
