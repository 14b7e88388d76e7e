import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { type EtcFilesOptions, isEtcFile, makeEtcFiles, refreshEtcFiles } from "./etc-files.ts";
import { hasHost, parseAddedHost } from "./hosts.ts";
import { formatResolvConf, isLoopback, parseResolvConf } from "./resolv-conf.ts";

/** What is in the files, on a host with these. */
function made(options: EtcFilesOptions, host: Readonly<Record<string, string>>): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "slipway-etc-"));
  try {
    const hostEtc = join(folder, "etc");
    mkdirSync(hostEtc);
    for (const [name, text] of Object.entries(host)) writeFileSync(join(hostEtc, name), text);
    const requests = makeEtcFiles(folder, { ...options, hostEtc });
    for (const { mount } of requests) assert.ok(isEtcFile(folder, mount));
    return Object.fromEntries(
      requests.map(({ target, mount }) => [target, readFileSync(mount.source ?? "", "utf8")]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const resolvedStub =
  "# by a program\nnameserver 127.0.0.53\nnameserver 10.0.0.1\noptions edns0\nsearch a.example b.example\n";

describe("makeEtcFiles", () => {
  it("copies the host's files in its network, and adds a name that they do not have", () => {
    const host = { hosts: "127.0.0.1 localhost\n10.1.1.1 db # the one\n", "resolv.conf": resolvedStub };
    const same = made({ hostname: "db", network: "host" }, host);
    assert.deepEqual(same, {
      "/etc/hostname": "db\n",
      "/etc/hosts": host.hosts,
      "/etc/resolv.conf": resolvedStub,
    });
    const other = made({ hostname: "box.example", network: "host" }, host);
    assert.equal(other["/etc/hosts"], `${host.hosts}127.0.0.1\tbox.example box\n`);
  });

  it("writes Docker's localhost without a network, and no name server of the host's own", () => {
    const files = made(
      { hostname: "box", network: "none" },
      { hosts: "10.1.1.1 db\n", "resolv.conf": resolvedStub },
    );
    assert.match(
      files["/etc/hosts"] ?? "",
      /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost [^]*\n127\.0\.0\.1\tbox\n$/,
    );
    assert.doesNotMatch(files["/etc/hosts"] ?? "", /db/);
    assert.equal(
      files["/etc/resolv.conf"],
      "nameserver 10.0.0.1\nsearch a.example b.example\noptions edns0\n",
    );
  });

  it("replaces what the caller names, and needs nothing of the host", () => {
    const options = {
      hostname: "box",
      network: "host",
      resolver: { servers: ["1.1.1.1"], searches: ["."] },
    } as const;
    assert.equal(
      made(options, { "resolv.conf": resolvedStub })["/etc/resolv.conf"],
      "nameserver 1.1.1.1\noptions edns0\n",
    );
    const bare = made({ ...options, hosts: [{ address: "::2", names: ["x"] }] }, {});
    assert.match(bare["/etc/hosts"] ?? "", /localhost[^]*\n::2\tx\n$/);
    assert.equal(bare["/etc/resolv.conf"], "nameserver 1.1.1.1\n");
  });
});

describe("refreshEtcFiles", () => {
  /** What a container has after the host's file changed, when it or its creator did `first`. */
  function refreshed(options: Partial<EtcFilesOptions>, first: (path: string) => void = () => {}): string {
    const directory = mkdtempSync(join(tmpdir(), "slipway-etc-"));
    try {
      const hostEtc = join(directory, "etc");
      mkdirSync(hostEtc);
      writeFileSync(join(hostEtc, "resolv.conf"), "nameserver 10.0.0.1\n");
      makeEtcFiles(directory, { hostname: "box", network: "host", hostEtc, ...options });
      const path = join(directory, "resolv.conf");
      first(path);
      writeFileSync(join(hostEtc, "resolv.conf"), "nameserver 10.0.0.2\n");
      refreshEtcFiles({ id: basename(directory), labels: { "nerdctl/state-dir": directory } }, hostEtc);
      return readFileSync(path, "utf8");
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  it("follows the host's name servers, unless the caller or the container has chosen others", () => {
    assert.equal(refreshed({}), "nameserver 10.0.0.2\n");
    assert.equal(refreshed({ resolver: { servers: ["1.1.1.1"] } }), "nameserver 1.1.1.1\n");
    assert.equal(refreshed({ network: "none" }), "nameserver 10.0.0.1\n");
    assert.equal(
      refreshed({}, (path) => writeFileSync(path, "# own\n")),
      "# own\n",
    );
  });

  it("passes over a container without files of its own", () => {
    refreshEtcFiles({ id: "other", labels: {} });
    refreshEtcFiles({ id: "x", labels: { "nerdctl/state-dir": "/no/such/x" } });
  });
});

describe("parseResolvConf", () => {
  it("takes the last search or domain, and passes over comments and half lines", () => {
    const text =
      "search a\ndomain b\n;nameserver 1.1.1.1\nnameserver\n nameserver 2.2.2.2 # x\noptions ndots:2\noptions rotate";
    const resolver = { servers: ["2.2.2.2"], searches: ["b"], options: ["ndots:2", "rotate"] };
    assert.deepEqual(parseResolvConf(text), resolver);
    assert.equal(formatResolvConf(resolver), "nameserver 2.2.2.2\nsearch b\noptions ndots:2 rotate\n");
    assert.deepEqual(["127.0.0.53", "::1", "::1%lo", "10.0.0.1", "fe80::1%eth0"].map(isLoopback), [
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("parseAddedHost", () => {
  it("reads both marks, addresses of both kinds, and host-gateway", () => {
    assert.deepEqual(parseAddedHost("db:10.0.0.1", undefined), { address: "10.0.0.1", names: ["db"] });
    assert.deepEqual(parseAddedHost("db=::1", undefined), { address: "::1", names: ["db"] });
    assert.deepEqual(parseAddedHost("db:[fe80::1]", undefined), { address: "fe80::1", names: ["db"] });
    assert.deepEqual(parseAddedHost("h:host-gateway", "127.0.0.1"), { address: "127.0.0.1", names: ["h"] });
  });

  it("refuses what is no name or no address", () => {
    for (const wrong of [
      "db",
      "db:",
      ":10.0.0.1",
      "db:10.0.0",
      "d b:10.0.0.1",
      "a\nb:10.0.0.1",
      "db:10.0.0.1\n1.1.1.1 x",
      "h:host-gateway",
    ]) {
      assert.throws(() => parseAddedHost(wrong, undefined), { code: "invalid_argument" }, wrong);
    }
  });
});

describe("hasHost", () => {
  it("finds names, not addresses or comments", () => {
    assert.deepEqual(
      ["a", "b", "c", "10.0.0.1"].map((name) => hasHost("10.0.0.1\ta b # c\n", name)),
      [true, true, false, false],
    );
  });
});
