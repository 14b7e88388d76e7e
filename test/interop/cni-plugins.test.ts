import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type Attachment, type PortMapping } from "@slipway/cni/attachment";
import { type Network, readNetwork } from "@slipway/cni/network";
import { Networks } from "@slipway/cni/networks";
import { Plugins } from "@slipway/cni/plugins";
import { ResultCache } from "@slipway/cni/result-cache";
import { TestFolder } from "../support/folder.ts";
import { output, run } from "../support/run.ts";

const skip =
  !existsSync("/usr/lib/cni/bridge") && "no CNI plugins here: apt-get install containernetworking-plugins";

describe("networks made by Debian's plugins", { skip }, () => {
  const folder = new TestFolder("cni");
  // Names that the kernel and iptables share with everybody.
  const mark = String(process.pid);
  const bridge = `cnit${mark}`;
  const netns = `cni-test-${mark}`;
  const networks = new Networks(new Plugins(["/usr/lib/cni"]), new ResultCache(folder.join("cache")));
  const network: Network = readNetwork(
    "test.conflist",
    Buffer.from(
      JSON.stringify({
        cniVersion: "1.0.0",
        name: `test-${mark}`,
        plugins: [
          {
            type: "bridge",
            bridge,
            isGateway: true,
            ipMasq: false,
            ipam: {
              type: "host-local",
              dataDir: folder.join("ipam"),
              ranges: [[{ subnet: "10.213.77.0/24" }], [{ subnet: "fd00:213:77::/64" }]],
              routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
            },
          },
          { type: "portmap", capabilities: { portMappings: true } },
          { type: "tuning", capabilities: { mac: true } },
        ],
      }),
    ),
  );
  const portMappings: PortMapping[] = [{ hostPort: 21377, containerPort: 80, protocol: "tcp" }];
  const attachment: Attachment = {
    containerId: `box-${mark}`,
    netns: `/run/netns/${netns}`,
    interfaceName: "eth0",
    capabilityArgs: { mac: "02:42:ac:11:00:09" },
  };
  const published: Attachment = { ...attachment, interfaceName: "eth1", capabilityArgs: { portMappings } };

  before(async () => {
    await output("ip", ["netns", "add", netns]);
  });
  after(async () => {
    for (const one of [attachment, published]) await networks.remove(network, one).catch(() => {});
    await run("ip", ["netns", "delete", netns]);
    await run("ip", ["link", "delete", bridge]);
    folder[Symbol.dispose]();
  });

  it("attach with addresses of both families, routes and a MAC address, and are checked", async () => {
    await networks.status(network);
    const result = await networks.add(network, attachment);
    assert.deepEqual(
      result.ips.map(({ address }) => address),
      ["10.213.77.2/24", "fd00:213:77::2/64"],
    );
    assert.deepEqual(
      result.ips.map((ip) => result.interfaces[ip.interface ?? -1]?.sandbox),
      [attachment.netns, attachment.netns],
    );
    const link = await output("ip", ["-n", netns, "address", "show", "eth0"]);
    assert.match(link, /02:42:ac:11:00:09/);
    assert.match(link, /10\.213\.77\.2\/24/);
    await networks.check(network, attachment);
    await output("ip", ["-n", netns, "address", "delete", "10.213.77.2/24", "dev", "eth0"]);
    await assert.rejects(networks.check(network, attachment), /CNI plugin "bridge" \(CHECK\)/);
  });

  it("publish a port, and detach without a trace, also when the namespace is gone, and once more", async () => {
    await networks.add(network, published);
    assert.match(
      await output("iptables-save", ["-t", "nat"]),
      /--dport 21377 -j DNAT --to-destination 10.213.77.3:80/,
    );
    await output("ip", ["netns", "delete", netns]);
    for (const one of [attachment, published]) {
      await networks.remove(network, { ...one, netns: "", capabilityArgs: {} });
    }
    assert.doesNotMatch(await output("iptables-save", ["-t", "nat"]), /--dport 21377/);
    assert.deepEqual(await networks.cache.list(), []);
    for (const address of ["10.213.77.2", "10.213.77.3"]) {
      assert.equal(existsSync(folder.join(`ipam/test-${mark}/${address}`)), false);
    }
    await networks.remove(network, attachment);
  });
});
