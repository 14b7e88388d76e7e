import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseRootfs } from "@slipway/client/rootfs-folder";
import { Command } from "commander";
import type { ImageConfig, ImageProcessConfig } from "@slipway/oci/image";
import { checkFlags } from "./check-flags.ts";
import { environmentOf } from "./environment.ts";
import { containerLabels, userLabels } from "./labels.ts";
import { addRunFlags, requestOf, type RunFlags, type RunRequest } from "./flags.ts";
import { newRestartLabels } from "../lifecycle/restart-labels.ts";
import { newId, newName } from "./names.ts";
import { resourcesOf } from "./resources.ts";

function parse(...args: readonly string[]): { request: RunRequest; flags: RunFlags } {
  let result: ReturnType<typeof parse> | undefined;
  const program = new Command().enablePositionalOptions();
  addRunFlags(program.command("run"))
    .helpOption("--help")
    .action((first: string | undefined, rest: readonly string[], flags: RunFlags) => {
      result = { request: requestOf(first, rest, flags), flags };
    });
  program.parse(["run", ...args], { from: "user" });
  if (!result) throw new Error("the command did not run");
  return result;
}

describe("the flags of run", () => {
  it("leaves everything after the image to the container", () => {
    const { request, flags } = parse(
      "-it",
      "-h",
      "box",
      "-e",
      "A=1",
      "-e",
      "B",
      "busybox",
      "ls",
      "-l",
      "--rm",
    );
    assert.deepEqual(request, { image: "busybox", command: ["ls", "-l", "--rm"] });
    assert.deepEqual([flags.interactive, flags.tty, flags.hostname], [true, true, "box"]);
    assert.deepEqual(flags.env, ["A=1", "B"]);
    assert.equal(flags.rm, undefined);
  });

  it("takes the folder after --rootfs, or in the image's place", () => {
    const wanted = { image: "/:O", command: ["sh", "-c", "true"] };
    assert.deepEqual(parse("--rootfs", "/:O", "sh", "-c", "true").request, wanted);
    assert.deepEqual(parse("--rootfs", "/:O", "-i", "sh", "-c", "true").request, wanted);
    assert.deepEqual(parse("--rootfs", "-i", "/:O", "sh", "-c", "true").request, wanted);
    assert.throws(() => parse("-i"), /no image was named/);
  });

  it("knows --net as --network", () => {
    assert.equal(parse("--net", "none", "busybox").flags.network, "none");
    assert.equal(parse("busybox").flags.network, "host");
  });
});

describe("parseRootfs", () => {
  it("tells a folder from one with a throw-away layer", () => {
    assert.deepEqual(parseRootfs("/:O"), { path: "/", overlay: true });
    assert.deepEqual(parseRootfs("/srv/tree"), { path: "/srv/tree", overlay: false });
  });
});

describe("resourcesOf", () => {
  it("reads sizes, CPUs and counts", () => {
    assert.deepEqual(resourcesOf({ memory: "64m", memorySwap: "-1", cpus: "1.5", pidsLimit: "10" }), {
      memory: { limit: 67_108_864, swap: -1 },
      cpu: { quota: 150_000, period: 100_000 },
      pids: { limit: 10 },
    });
    assert.deepEqual(resourcesOf({}), {});
    assert.deepEqual(
      resourcesOf({ cpuQuota: "5000", cpuPeriod: "10000", cpusetMems: "0", memoryReservation: "1k" }),
      {
        memory: { reservation: 1024 },
        cpu: { quota: 5000, period: 10_000, mems: "0" },
      },
    );
    assert.throws(() => resourcesOf({ memory: "2m", memorySwap: "1m" }), /--memory-swap/);
    assert.throws(() => resourcesOf({ cpus: "1", cpuQuota: "5" }), /--cpus with/);
    assert.throws(() => resourcesOf({ memory: "lots" }), /--memory "lots"/);
    assert.throws(() => resourcesOf({ cpus: "two" }), /--cpus "two"/);
  });
});

describe("environmentOf", () => {
  it("passes names on and reads files first", () => {
    const folder = mkdtempSync(join(tmpdir(), "slipway-env-"));
    const file = join(folder, "env");
    writeFileSync(file, "# a comment\nA=file\n\nHOME\n");
    assert.deepEqual(environmentOf(["A=flag", "MISSING"], [file], { HOME: "/root" }), [
      "A=file",
      "HOME=/root",
      "A=flag",
      "MISSING",
    ]);
    rmSync(folder, { recursive: true });
  });
});

describe("checkFlags", () => {
  for (const [args, text] of [
    [["--name", "a b"], '"a b"'],
    [["--stop-signal", "FOO"], '"FOO"'],
    [["--stop-timeout", "soon"], '--stop-timeout "soon"'],
    [["--pull", "nevr"], '--pull "nevr"'],
    [["-w", "here"], '--workdir "here"'],
    [["--ipc", "mine"], '--ipc "mine"'],
    [["--pid", "mine"], '--pid "mine"'],
    [["--log-opt", "colour=red"], '--log-opt "colour"'],
    [["--rm", "--restart", "always"], "--restart"],
    [["--uts", "host", "-h", "box"], "--hostname"],
  ] as const) {
    it(`refuses ${args.join(" ")}`, () =>
      assert.throws(
        () => checkFlags(parse(...args, "busybox").flags),
        (error: Error) => error.message.includes(text),
      ));
  }
  it("takes what is usual", () => {
    checkFlags(parse("--name", "web-1.a", "--stop-timeout", "-1", "--pull", "always", "busybox").flags);
    checkFlags(parse("busybox").flags);
  });
});

describe("names", () => {
  it("makes ids and names that containerd takes", () => {
    assert.match(newId(), /^[0-9a-f]{64}$/);
    assert.match(newName(), /^[a-z]+_[a-z]+$/);
  });
});

describe("containerLabels", () => {
  it("takes the image's labels, but none that somebody acts by", () => {
    const theirs = {
      "org.example.team": "a",
      "slipway/rootfs": "/:O",
      "nerdctl/state-dir": "/etc",
      "containerd.io/restart.status": "running",
      "io.containerd.runc.v2.group": "pod",
    };
    const { flags } = parse("-l", "containerd.io/own=1", "busybox");
    const globals = { address: "/a.sock", namespace: "n", snapshotter: "overlayfs", startsDaemon: true };
    const config: ImageConfig = {
      os: "linux",
      architecture: "amd64",
      config: { Labels: theirs },
      rootfs: { type: "layers", diff_ids: [] },
    };
    const source = {
      id: "i",
      name: "n",
      host: "h",
      image: "busybox",
      isRemovedByDaemon: false,
      log: undefined,
      directory: "/var/x/n/i",
      own: userLabels(flags),
    };
    const labels = containerLabels({ ...source, flags, globals, config });
    assert.equal(labels["org.example.team"], "a");
    assert.equal(labels["containerd.io/own"], "1", "the user's own are the user's");
    assert.match(labels["nerdctl/state-dir"] ?? "", /\/n\/i$/);
    for (const name of ["slipway/rootfs", "containerd.io/restart.status", "io.containerd.runc.v2.group"]) {
      assert.equal(labels[name], undefined, name);
    }
  });
});

describe("containerLabels of long values", () => {
  const globals = { address: "/a.sock", namespace: "n", snapshotter: "overlayfs", startsDaemon: true };
  const rootfs = { type: "layers", diff_ids: [] } as const;
  const labelsOf = (config: ImageProcessConfig, ...words: string[]): Readonly<Record<string, string>> => {
    const { flags } = parse(...words, "busybox");
    return containerLabels({
      id: "i",
      name: "n",
      host: "h",
      image: "busybox",
      isRemovedByDaemon: true,
      log: undefined,
      directory: "/var/x/n/i",
      flags,
      own: userLabels(flags),
      globals,
      config: { os: "linux", architecture: "amd64", rootfs, config },
    });
  };

  it("leaves out the image's that are too long for a container", () => {
    const labels = labelsOf({ Labels: { bom: "x".repeat(5000), short: "1" } });
    assert.deepEqual([labels["bom"], labels["short"]], [undefined, "1"]);
    assert.equal(labels["slipway/auto-remove"], "i");
  });

  it("does without a health check of the image that is too long for a label", () => {
    const labels = labelsOf({ Healthcheck: { Test: ["CMD-SHELL", "x".repeat(5000)] } });
    assert.equal(labels["nerdctl/healthcheck"], undefined);
  });

  it("refuses the user's by name", () => {
    for (const [name, ...words] of [
      ["big", "-l", `big=${"z".repeat(5000)}`],
      ["nerdctl/healthcheck", "--health-cmd", "z".repeat(5000)],
    ] as const) {
      assert.throws(() => labelsOf({}, ...words), {
        code: "invalid_argument",
        message: new RegExp(`^Cannot set label "${name}": name and value have \\d+ bytes, more than 4096$`),
      });
    }
  });
});

describe("newRestartLabels", () => {
  it("are those of containerd's monitor, without the one that lets it begin", () => {
    assert.deepEqual(newRestartLabels("no", undefined), {});
    assert.deepEqual(newRestartLabels("on-failure:3", "json-file:///log"), {
      "containerd.io/restart.policy": "on-failure:3",
      "containerd.io/restart.loguri": "json-file:///log",
    });
    assert.throws(() => newRestartLabels("sometimes", undefined), /"sometimes"/);
  });
});
