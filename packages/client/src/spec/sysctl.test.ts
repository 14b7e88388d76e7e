import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkSysctl } from "./sysctl.ts";

describe("checkSysctl", () => {
  it("takes the parameters of a container's own namespaces", () => {
    const parameters = {
      "net.ipv4.ip_forward": "1",
      "net.ipv4.conf.eth0/1.forwarding": "1",
      "net/core/somaxconn": "128",
      "kernel.shm_rmid_forced": "1",
      "kernel.msgmax": "65536",
      "fs.mqueue.msg_max": "50",
      "kernel.domainname": "example",
    };
    assert.deepEqual(checkSysctl(parameters, []), parameters);
  });
  const others =
    "vm.swappiness kernel.core_pattern kernel.hostname fs.file-max user.max_user_namespaces".split(" ");
  const odd = [
    "",
    "net",
    "net.",
    ".net.ipv4",
    "netx.a",
    "net../../kernel/core_pattern",
    "net.a b",
    "kernel.sems",
  ];
  for (const name of [...others, ...odd]) {
    it(`refuses "${name}", which would change the machine`, () =>
      assert.throws(
        () => checkSysctl({ [name]: "1" }, []),
        /Cannot set kernel parameter ".*=1": it is not a/,
      ));
  }

  it("refuses those of a namespace that is the host's", () => {
    assert.throws(() => checkSysctl({ "net.core.somaxconn": "1" }, ["network"]), /has the host's network/);
    assert.throws(() => checkSysctl({ "kernel.msgmax": "1" }, ["ipc"]), /has the host's ipc namespace/);
    assert.throws(() => checkSysctl({ "kernel.domainname": "x" }, ["uts"]), /has the host's uts namespace/);
  });
});
