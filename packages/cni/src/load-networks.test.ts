import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { loadNetworks } from "./load-networks.ts";

describe("loadNetworks", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cni-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, value: unknown): void =>
    writeFileSync(join(folder, name), typeof value === "string" ? value : JSON.stringify(value));
  const load = async (): Promise<[string, string][]> =>
    (await loadNetworks(folder)).map((one) => [
      basename(one.path),
      "network" in one
        ? `${one.network.name}: ${one.network.plugins.map(({ type }) => type).join(" ")}`
        : one.fault.message.replace(folder, ""),
    ]);

  it("reads lists and single plugins in the order of their names, and a broken file hides no other", async () => {
    write("20-b.conf", { name: "b", type: "ptp" });
    write("10-a.conflist", { name: "a", plugins: [{ type: "bridge" }, { type: "portmap" }] });
    write("15-broken.conflist", "{");
    write("notes.txt", "{");
    mkdirSync(join(folder, "dir.conf"));
    assert.deepEqual(await load(), [
      ["10-a.conflist", "a: bridge portmap"],
      ["15-broken.conflist", "Cannot read /15-broken.conflist: it is not JSON: it ends too early"],
      ["20-b.conf", "b: ptp"],
    ]);
  });

  it("adds the plugins of the network's own directory, unless the list says no", async () => {
    mkdirSync(join(folder, "a"));
    write("a/10-x.conf", { type: "tuning" });
    write("a.conflist", { name: "a", plugins: [{ type: "bridge" }] });
    assert.deepEqual(await load(), [["a.conflist", "a: bridge tuning"]]);
    write("a.conflist", { name: "a", loadOnlyInlinedPlugins: true, plugins: [{ type: "bridge" }] });
    assert.deepEqual(await load(), [["a.conflist", "a: bridge"]]);
    write("a.conflist", { name: "a" });
    assert.deepEqual(await load(), [["a.conflist", "a: tuning"]]);
    rmSync(join(folder, "a"), { recursive: true });
    assert.deepEqual(await load(), [["a.conflist", "Cannot read /a.conflist: it names no plugin"]]);
  });

  it("finds nothing in a directory that is not there", async () => {
    assert.deepEqual(await loadNetworks(join(folder, "nope")), []);
  });
});
