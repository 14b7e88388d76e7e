import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  definePlugin,
  type Logger,
  manyPlugins,
  type Needs,
  onePlugin,
  type Plugin,
} from "@slipway/core/plugin";
import { PluginHost } from "./plugin-host.ts";

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };
/** Of a daemon that nobody stops. */
const running = new AbortController().signal;
const Low = manyPlugins<string>("test.low.v1");
const High = onePlugin<string>("test.high.v1");
const config = { root: "/r", state: "/s", plugins: {}, disabledPlugins: [], requiredPlugins: [] };

function plugin(
  kind: typeof Low,
  id: string,
  needs: Needs,
  start: () => string,
  stopped: string[] = [],
): Plugin {
  return definePlugin({
    kind,
    id,
    needs,
    parseConfig: () => undefined,
    start: async () => ({ instance: start(), stop: async () => void stopped.push(id) }),
  });
}

describe("PluginHost", () => {
  it("starts what is needed first and stops in the opposite order", async () => {
    const stopped: string[] = [];
    const high = definePlugin({
      kind: High,
      id: "high",
      needs: { lows: Low },
      parseConfig: () => undefined,
      start: async ({ lows }) => ({
        instance: [...lows].join(" "),
        stop: async () => void stopped.push("high"),
      }),
    });
    {
      await using host = new PluginHost(config, quiet, running);
      await host.start([
        high,
        plugin(Low, "a", {}, () => "1", stopped),
        plugin(Low, "b", {}, () => "2", stopped),
      ]);
      assert.deepEqual([...host.instances(High)], [["high", "a,1 b,2"]]);
    }
    assert.deepEqual(stopped, ["high", "b", "a"]);
  });

  it("starts no further plugin once its signal aborts", async () => {
    const stop = new AbortController();
    const started: string[] = [];
    const starting = (id: string): Plugin =>
      plugin(Low, id, {}, () => {
        started.push(id);
        stop.abort();
        return id;
      });
    await using host = new PluginHost(config, quiet, stop.signal);
    await assert.rejects(host.start([starting("a"), starting("b")]), { name: "AbortError" });
    assert.deepEqual(started, ["a"]);
  });

  it("reports a plugin that fails, and those that cannot do without it", async () => {
    await using host = new PluginHost(config, quiet, running);
    const broken = (): string => {
      throw new Error("no such disk");
    };
    const only = {
      ...plugin(Low, "needy", { high: High }, () => "x"),
      kind: manyPlugins<string>("test.needy.v1"),
    };
    await host.start([plugin(Low, "broken", {}, broken), plugin(Low, "fine", {}, () => "1"), only]);
    assert.deepEqual(
      host.reports().map(({ id, initError }) => [id, initError?.message]),
      [
        ["broken", "no such disk"],
        ["fine", undefined],
        ["needy", "no plugins registered for test.high.v1"],
      ],
    );
  });

  it("warns of keys that a plugin does not have, and of tables that are for none, but nearly", async () => {
    const warnings: string[] = [];
    const plugins = { "test.low.v1.a": { pth: "/x" }, "test.low.v1.aa": {}, "io.other.v1.far": {} };
    const log: Logger = { ...quiet, warn: (message) => void warnings.push(message) };
    await using host = new PluginHost({ ...config, plugins }, log, running);
    const reading: Plugin = {
      ...plugin(Low, "a", {}, () => "1"),
      parseConfig: (table) => table.string("path", ""),
    };
    await host.start([reading]);
    assert.deepEqual(warnings, [
      'no plugin "test.low.v1.aa": did you mean "test.low.v1.a"?',
      'unknown key "plugins."test.low.v1.a".pth": did you mean "path"?',
    ]);
  });

  it("does not start without a required plugin, and not with a disabled one", async () => {
    const required = { ...config, requiredPlugins: ["test.low.v1.broken"] };
    await using host = new PluginHost(required, quiet, running);
    await assert.rejects(host.start([]), { message: /test\.low\.v1\.broken not included/ });
    const disabled = { ...config, disabledPlugins: ["test.low.v1.a"] };
    await using other = new PluginHost(disabled, quiet, running);
    await other.start([plugin(Low, "a", {}, () => "1")]);
    assert.deepEqual(other.reports(), []);
  });
});
