import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Table } from "@slipway/core/config/table-reader";
import { loadTables } from "./load.ts";
import { migrate } from "./migrate.ts";
import { tablesWithoutPlugin } from "./plugin-tables.ts";
import { readConfig } from "./read.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-config-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("loadTables", () => {
  it("reads the whole default configuration of containerd 1.6, and warns of what has no effect", () => {
    const path = join(import.meta.dirname, "../../testdata/containerd-1.6-default.toml");
    const { config, warnings } = readConfig(loadTables(path));
    assert.deepEqual(warnings, ['key "stream_processors" has no effect: it is not implemented']);
    assert.equal(config.root, "/var/lib/containerd");
    assert.equal(config.grpc.address, "/run/containerd/containerd.sock");
    assert.equal(config.ttrpc.address, "/run/containerd/containerd.sock.ttrpc");
    assert.equal(config.timeouts["io.containerd.timeout.shim.load"], 5000);
    assert.equal(config.plugins["io.containerd.snapshotter.v1.overlayfs"]?.["upperdir_label"], false);
  });

  it("lets imports append to arrays, merge tables and replace values", () => {
    file("over.toml", 'version = 2\nroot = "/over"\ndisabled_plugins = ["b.x"]\n[plugins."a.b"]\ntwo = 2\n');
    const main = file(
      "main.toml",
      'version = 2\nroot = "/main"\nimports = ["ov*.toml"]\ndisabled_plugins = ["a.x"]\n[plugins."a.b"]\none = 1\n',
    );
    const { config } = readConfig(loadTables(main));
    assert.equal(config.root, "/over");
    assert.deepEqual(config.disabledPlugins, ["a.x", "b.x"]);
    assert.deepEqual({ ...config.plugins["a.b"] }, { one: 1, two: 2 });
  });

  it("ends when two files import each other", () => {
    const first = file("first.toml", `version = 3\nimports = ["second.toml"]\n`);
    file("second.toml", `version = 3\nimports = ["first.toml"]\nstate = "/s"\n`);
    assert.equal(readConfig(loadTables(first)).config.state, "/s");
  });

  it("refuses a version that is not known, and says which are", () => {
    assert.throws(() => loadTables(file("new.toml", "version = 9\n")), {
      code: "invalid_argument",
      message: /equal to or less than `4`, got `9`/,
    });
  });

  it("names the file that is no TOML", () => {
    assert.throws(() => loadTables(file("bad.toml", "a = = b")), { message: /bad\.toml/ });
  });
});

describe("migrate", () => {
  it("gives plugins of version 1 their full names", () => {
    const tables = migrate({ plugins: { cri: { a: 1 }, "diff-service": {} }, disabled_plugins: ["cri"] }, 1);
    assert.deepEqual(Object.keys(tables["plugins"] as object), [
      "io.containerd.grpc.v1.cri",
      "io.containerd.service.v1.diff-service",
    ]);
    assert.deepEqual(tables["disabled_plugins"], ["io.containerd.grpc.v1.cri"]);
  });

  it("knows the restart monitor by its older type", () => {
    const table = { interval: "1s" };
    const tables = migrate({ plugins: { "io.containerd.internal.v1.restart": table } }, 2);
    assert.deepEqual(tables["plugins"], { "io.containerd.monitor.container.v1.restart": table });
  });

  it("makes servers plugins, and leaves those that are there", () => {
    const own = { "io.containerd.server.v1.grpc": { address: "/own" } };
    const tables = migrate({ grpc: { address: "/a", gid: 7, tcp_address: "127.0.0.1:1" }, plugins: own }, 3);
    assert.deepEqual(tables["plugins"], {
      "io.containerd.server.v1.grpc": { address: "/own" },
      "io.containerd.server.v1.grpc-tcp": { address: "127.0.0.1:1" },
      "io.containerd.server.v1.ttrpc": { address: "/a.ttrpc", uid: 0, gid: 7 },
    });
  });
});

describe("readConfig", () => {
  it("lets the command line win, and moves both sockets by an address", () => {
    const tables = migrate({ root: "/file", ttrpc: { address: "/t" } }, 2);
    const { config } = readConfig(tables, { root: "/flag", address: "/x.sock", level: "debug" });
    assert.equal(config.root, "/flag");
    assert.equal(config.grpc.address, "/x.sock");
    assert.equal(config.ttrpc.address, "/x.sock.ttrpc");
    assert.equal(config.log.level, "debug");
  });

  it("warns of unknown keys with what was probably meant", () => {
    const tables = migrate({ rooot: "/x", grpc: { adress: "/y" }, quux: 1 }, 2);
    assert.deepEqual(readConfig(tables).warnings, [
      'unknown key "rooot": did you mean "root"?',
      'unknown key "quux"',
      'unknown key "plugins."io.containerd.server.v1.grpc".adress": did you mean "address"?',
    ]);
  });

  it("names the key whose value has the wrong type", () => {
    assert.throws(() => readConfig({ root: 5 }), { message: 'Cannot read "root": expected a string' });
    assert.throws(() => readConfig({ disabled_plugins: ["cri"] }), { message: /expected a name such as/ });
    assert.throws(() => readConfig({ root: "/same", state: "/same" }), { message: /same folder/ });
  });
});

describe("what has no effect", () => {
  const names = ["io.containerd.snapshotter.v1.overlayfs"];
  const without = (plugins: Record<string, Table>, disabledPlugins: readonly string[] = []): string[] =>
    tablesWithoutPlugin(names, { plugins, disabledPlugins });

  it("is named, each key once, unless it has the value that containerd writes by default", () => {
    const snapshotter = { type: "snapshot", address: "/run/stargz.sock" };
    const { warnings } = readConfig({
      proxy_plugins: { stargz: snapshotter },
      stream_processors: {},
      plugin_dir: "",
      cgroup: "/containerd",
      debug: { log_trace_id: true },
    });
    assert.deepEqual(warnings, [
      'key "cgroup" has no effect: it is not implemented',
      'key "proxy_plugins" has no effect: it is not implemented',
      'key "debug.log_trace_id" has no effect: it is not implemented',
    ]);
  });

  it("is a table without a plugin, but none of a disabled plugin, nor one without values", () => {
    const cri = { "io.containerd.cri.v1.runtime": { enable_selinux: true } };
    assert.deepEqual(without(cri), [
      'table plugins."io.containerd.cri.v1.runtime" has no effect: there is no such plugin',
    ]);
    assert.deepEqual(without(cri, ["io.containerd.cri.v1.runtime"]), []);
    assert.deepEqual(
      without({ "io.containerd.snapshotter.v1.zfs": { root_path: "", list: [], on: false } }),
      [],
    );
    assert.deepEqual(without({ "io.containerd.server.v1.grpc": { address: "/a" } }), []);
    assert.deepEqual(without({ "io.containerd.snapshotter.v1.overlays": {} }), [
      'no plugin "io.containerd.snapshotter.v1.overlays": did you mean "io.containerd.snapshotter.v1.overlayfs"?',
    ]);
  });
});
