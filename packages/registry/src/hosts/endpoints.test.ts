import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { endpointsOf, type HostsOptions } from "./endpoints.ts";

describe("endpointsOf", () => {
  const find = async (host: string, options: HostsOptions = {}): Promise<unknown> =>
    (await endpointsOf(host, options)).map(({ base, link }) => [base, link.tls?.skipVerify, link.plainHost]);

  it("trusts this machine, and others where the caller says so", async () => {
    assert.deepEqual(await find("registry.example:5000"), [
      ["https://registry.example:5000/v2", undefined, undefined],
    ]);
    const skipVerify = { skipVerify: true };
    assert.deepEqual(await find("registry.example:5000", skipVerify), [
      ["https://registry.example:5000/v2", true, undefined],
    ]);
    assert.deepEqual(await find("registry.example:5000", { defaultScheme: "http" }), [
      ["http://registry.example:5000/v2", undefined, undefined],
    ]);
    // containerd's rules for loopback: another port than 80 and 443 may speak either, none is HTTPS.
    assert.deepEqual(await find("127.0.0.1:5000"), [["https://127.0.0.1:5000/v2", true, "127.0.0.1:5000"]]);
    assert.deepEqual(await find("localhost"), [["https://localhost/v2", true, undefined]]);
    assert.deepEqual(await find("localhost:80"), [["http://localhost:80/v2", undefined, undefined]]);
  });

  it("takes a file's word about certificates before the caller's", async () => {
    const root = mkdtempSync(join(tmpdir(), "slipway-hosts-"));
    try {
      mkdirSync(join(root, "registry.example"));
      writeFileSync(join(root, "registry.example", "hosts.toml"), "skip_verify = false\n");
      const options = { hostsDirectories: [root], skipVerify: true };
      assert.deepEqual(await find("registry.example", options), [
        ["https://registry.example/v2", false, undefined],
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
