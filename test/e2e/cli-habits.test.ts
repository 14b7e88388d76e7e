import assert from "node:assert/strict";
import { once } from "node:events";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { binFolder, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";
import { TestTerminal } from "../support/terminal.ts";

describe("slipway, typed by who knows docker", () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;
  let image: string;

  before(async () => {
    [daemon, registry] = await Promise.all([TestDaemon.start("slipwayd"), TestRegistry.start()]);
    image = await pushBusybox(registry.host);
    await daemon.printed("pull", "-q", image);
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  /** A shell's pipeline of slipway and another program, as `"$0" ps | head -1` has it. */
  const shell = async (line: string): Promise<{ code: number; stdout: string; stderr: string }> => {
    const child = spawn("bash", ["-c", line, join(binFolder, "slipway")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...daemon.slipwayEnv },
    });
    const said = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => (said[stream] += text));
    }
    const [code] = (await once(child, "close")) as [number | null];
    return { code: code ?? -1, ...said };
  };

  it("shows help and the version where docker does", async () => {
    const help = await daemon.printed("--help");
    assert.match(help, /^Usage: slipway/);
    assert.equal(await daemon.printed(), help);
    assert.equal(await daemon.printed("help"), help);
    assert.match(await daemon.printed("-v"), /^slipway version \d+\.\d+\.\d+\n$/);
    assert.equal(await daemon.printed("help", "run"), await daemon.printed("run", "--help"));
    assert.match(
      await daemon.printed("container"),
      /^Usage: slipway container COMMAND[^]*  ls +List containers\n/,
    );
    assert.equal(await daemon.printed("image", "--help"), await daemon.printed("image"));
    assert.match(await daemon.printed("container", "ls", "--help"), /^Usage: slipway ps/);
  });

  it("says where to look when it is typed wrongly", async () => {
    for (const [args, code, text] of [
      [["ps", "--alll"], 1, /Did you mean --all\?\)\nSee "slipway ps --help"/],
      [["rnu"], 1, /Did you mean run\?\)\nSee "slipway --help"/],
      [["image", "run"], 1, /no command "image run"; "slipway image --help"/],
      [
        ["load", "-i", "/no/such.tar"],
        1,
        /^slipway: Cannot open "\/no\/such.tar": no such file or directory\n$/,
      ],
      [["run", "--env-file", "/no/such", image], 125, /^slipway: Cannot read environment file "\/no\/such"/],
    ] as const) {
      const said = await daemon.slipway(args);
      assert.equal(said.code, code, said.stderr);
      assert.match(said.stderr, text);
    }
  });

  it("takes values of flags that are on or off, and leaves those of the container's program alone", async () => {
    const run = ["run", "--rm=true", "-d=false", "--sig-proxy=true", "--read-only=0", image];
    assert.equal(await daemon.printed(...run, "echo", "--rm=false", "-t=true"), "--rm=false -t=true\n");
    assert.equal(await daemon.printed("ps", "--all=true", "-q"), "");
  });

  it("reads environment files for the container, not for itself", async () => {
    const file = daemon.folder.join("env");
    writeFileSync(file, "# a comment\nA=b c\n\nNODE_OPTIONS=--no-such-option\n");
    const said = await daemon.printed("run", "--rm", "--env-file", file, image, "env");
    assert.match(said, /\nA=b c\nNODE_OPTIONS=--no-such-option\n/);
    writeFileSync(file, "A B=c\n");
    const refused = await daemon.slipway(["run", "--rm", "--env-file", file, image, "env"]);
    assert.deepEqual([refused.code, /"A B"/.test(refused.stderr)], [125, true], refused.stderr);
  });

  it("ends without a word when its reader has left, and says when it cannot write", async () => {
    await daemon.printed("run", "--name", "long", image, "seq", "30000");
    const left = await shell('"$0" logs long | head -1; echo "${PIPESTATUS[0]}"');
    assert.deepEqual(left, { code: 0, stdout: "1\n141\n", stderr: "" });
    for (const line of ['"$0" logs long', '"$0" ps -a', `"$0" run --rm ${image} seq 3`]) {
      const full = await shell(`${line} >/dev/full`);
      assert.deepEqual([full.code, full.stdout], [1, ""]);
      assert.match(full.stderr, /^slipway: Cannot write output: .*no space left on device/);
    }
    await daemon.printed("rm", "long");
  });

  it("shows the log of a container that somebody runs with --rm on another terminal", async () => {
    const go = daemon.folder.join("go");
    const script = `echo begun; until [ -e ${go} ]; do sleep 0.1; done; echo last`;
    using other = new TestTerminal(
      join(binFolder, "slipway"),
      [
        "run",
        "--rm",
        "--name",
        "elsewhere",
        "-v",
        `${daemon.folder.path}:${daemon.folder.path}`,
        image,
        "sh",
        "-c",
        script,
      ],
      daemon.slipwayEnv,
    );
    const tells = await shell(
      'until "$0" ps -q --filter name=elsewhere | grep -q .; do :; done; ' +
        `"$0" logs -f elsewhere | while read line; do echo $line; touch ${go}; done`,
    );
    assert.match(tells.stdout, /^begun\nlast\n$/);
    assert.equal(tells.code, 0, tells.stderr);
    assert.equal(await other.end(), 0);
    assert.equal(other.shown, "begun\r\nlast\r\n");
  });

  it("says that it may not use the daemon", async () => {
    const said = await shell(
      'chmod 711 "${SLIPWAY_ADDRESS%/*}"; setpriv --reuid=1234 --clear-groups "$0" ps',
    );
    assert.equal(said.code, 1);
    assert.match(said.stderr, /^slipway: Cannot use the daemon at ".*": permission denied/);
  });

  it("removes all of what runs at the same time with --rm, beside the daemon that does it as well", async () => {
    const runs = Array.from({ length: 8 }, (_, index) =>
      daemon.slipway(["run", "--rm", ...(index % 2 ? ["--rootfs", "/:O"] : [image]), "sh", "-c", "exit 3"]),
    );
    for (const said of await Promise.all(runs)) assert.deepEqual(said, { code: 3, stdout: "", stderr: "" });
    assert.equal(await daemon.printed("ps", "-aq"), "");
  });

  it("finds and shows containers as docker ps does", async () => {
    const run = ["run", "-d", "--label", "a=b", "--label", "c=d", "-v", "/tmp:/mnt", "--name", "first"];
    await daemon.printed(...run, image, "sh", "-c", "exec sleep 1000");
    await daemon.printed("create", "--name", "second", "--label", "a=other", image, "true");
    const found = async (...filters: readonly string[]): Promise<string> => {
      const flags = filters.flatMap((filter) => ["--filter", filter]);
      return (await daemon.printed("ps", "-a", ...flags, "--format", "{{.Names}}"))
        .trim()
        .split("\n")
        .join(" ");
    };
    for (const [filters, names] of [
      [["name=^first$"], "first"],
      [["name=^/sec"], "second"],
      [["name=first", "name=second"], "second first"],
      [["status=created", "status=exited"], "second"],
      [["label=a", "label=c"], "first"],
      [["label=a", "label=x"], ""],
      [[`ancestor=${image}`], "second first"],
      [[`ancestor=${image.replace(":latest", "")}`], "second first"],
      [["ancestor=busy"], ""],
      [["before=second"], "first"],
      [["since=first"], "second"],
      [["network=host", "volume=/mnt"], "first"],
    ] as const) {
      assert.equal(await found(...filters), names, filters.join(" "));
    }
    const format = 'table {{.Names}}\\t{{.Label "a"}}\\t{{.Command}}\\t{{.Mounts}}';
    assert.equal(
      await daemon.printed("ps", "-a", "--format", format),
      'NAMES    a       COMMAND                  MOUNTS\nsecond   other   "true"                   \n' +
        `first    b       "sh -c 'exec sleep 1…"   /tmp\n`,
    );
    for (const flags of [
      ["--filter", "status=up"],
      ["--filter", "a=b"],
      ["--filter", "a"],
      ["-n", "x"],
    ]) {
      assert.equal((await daemon.slipway(["ps", ...flags])).code, 1, flags.join(" "));
    }
    const template =
      '{{range .Mounts}}{{.Source}}:{{.Destination}}{{end}} {{if .State.Health}}!{{end}}{{index .Config.Labels "a"}}';
    assert.equal(await daemon.printed("inspect", "-f", template, "first"), "/tmp:/mnt b\n");
    await daemon.printed("rm", "-f", "first", "second");
  });

  it("runs an image by the beginning of its id, with docker's smaller flags", async () => {
    const [id = ""] = (await daemon.printed("images", "-q")).split("\n");
    const flags = [
      "--uts",
      "host",
      "--shm-size",
      "1m",
      "--oom-score-adj",
      "100",
      "-c",
      "100",
      "--stop-timeout",
      "-1",
    ];
    const show = "cat /proc/self/oom_score_adj; grep -o 'shm.*size=[0-9]*k' /proc/mounts";
    const said = await daemon.printed("run", "--rm", ...flags, id, "sh", "-c", show);
    assert.match(said, /^100\nshm[^\n]*size=1024k\n$/);
    assert.equal((await daemon.slipway(["run", "--rm", "--name", "a b", image, "true"])).code, 125);
    assert.equal(await daemon.printed("ps", "-aq"), "");
  });

  it("shows a program's whole output when there is no room for its log", async () => {
    const full = daemon.folder.join("full");
    mkdirSync(full);
    await output("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", full]);
    try {
      const slipway = `SLIPWAY_ROOT=${full} "$0"`;
      for (const flags of ["--name shown", "--rm", "--rm -t"]) {
        const said = await shell(
          `${slipway} run ${flags} ${image} sh -c 'seq 50000; exit 4' | tail -2; echo "\${PIPESTATUS[0]}"`,
        );
        assert.equal(said.stdout.replaceAll("\r", ""), "49999\n50000\n4\n", said.stderr);
        // Its log has the room that the next one's own files need.
        if (!flags.includes("--rm")) await daemon.printed("rm", "shown");
      }
      const detached = await shell(
        `${slipway} run -d --name full ${image} sh -c 'seq 50000; exit 5' && "$0" wait full`,
      );
      assert.match(detached.stdout, /\n5\n$/, detached.stderr);
      assert.match(await daemon.printed("logs", "full"), /^1\n2\n3\n/);
      const refused = await shell(`${slipway} create --name more ${image} true`);
      assert.match(refused.stderr, /^slipway: Cannot \w+ "[^"]*full\/[^"]*": no space left on device\n/);
      assert.equal(await daemon.printed("ps", "-a", "--format", "{{.Names}}"), "full\n");
      await daemon.printed("rm", "full");
    } finally {
      await output("umount", ["--lazy", full]);
    }
  });

  it("gives a name to one of those who ask for it at the same time", async () => {
    const runs = Array.from({ length: 5 }, () =>
      daemon.slipway(["run", "-d", "--name", "one", image, "sleep", "1000"]),
    );
    const codes = (await Promise.all(runs)).map(({ code }) => code);
    assert.deepEqual(
      codes.toSorted((a, b) => a - b),
      [0, 125, 125, 125, 125],
    );
    assert.equal(await daemon.printed("ps", "-a", "--format", "{{.Names}} {{.State}}"), "one running\n");
    await daemon.printed("rm", "-f", "one");
  });

  it("lists no processes of a container that does not run", async () => {
    await daemon.printed("create", "--name", "idle", image, "true");
    const check = async (): Promise<void> => {
      const { code, stdout, stderr } = await daemon.slipway(["top", "idle"]);
      const text = 'slipway: Cannot list processes of container "idle": it is not running\n';
      assert.deepEqual([code, stdout, stderr], [1, "", text]);
    };
    await check();
    await daemon.printed("start", "-a", "idle");
    await check();
    await daemon.printed("rm", "idle");
  });

  it("stops and removes several at once, and names each", async () => {
    const names = ["a1", "a2", "a3"];
    // Each of them ends only when all were asked to: one after the other, the first would be waited for.
    const script =
      "trap 'touch /w/$0' TERM; until [ -e /w/a1 ] && [ -e /w/a2 ] && [ -e /w/a3 ]; do sleep 0.1; done; exit 6";
    for (const name of names) {
      const flags = ["-d", "--name", name, "-v", `${daemon.folder.join("w")}:/w`];
      await daemon.printed("run", ...flags, image, "sh", "-c", script, name);
    }
    assert.equal(await daemon.printed("stop", "-t", "-1", ...names), "a1\na2\na3\n");
    assert.equal(await daemon.printed("wait", ...names), "6\n6\n6\n");
    const removed = await daemon.slipway(["rm", "a1", "none", "a2", "a3"]);
    assert.deepEqual([removed.code, removed.stdout], [1, "a1\na2\na3\n"]);
    assert.match(removed.stderr, /^slipway: no such container: none\n/);
  });

  it("watches a container that it does not type to, and shows what it uses", async () => {
    await daemon.printed(
      "run",
      "-d",
      "-i",
      "--name",
      "watched",
      image,
      "sh",
      "-c",
      "read x; echo got $x; read x; exit 3",
    );
    const watching = daemon.slipway(["attach", "--no-stdin", "watched"], { input: "not for it\n" });
    const stats = await daemon.printed(
      "stats",
      "--no-stream",
      "--format",
      "{{.Container}} {{.MemUsage}} {{.BlockIO}}",
    );
    assert.match(stats, /^[0-9a-f]{12} [\d.]+[KM]iB \/ [\d.]+GiB \d\S* \/ \d\S*\n$/);
    assert.match((await daemon.slipway(["update", "watched"])).stderr, /no flag/);
    const typed = await daemon.slipway(["attach", "watched"], { input: "for it\n\n" });
    assert.deepEqual([typed.code, typed.stdout], [3, "got for it\n"], typed.stderr);
    assert.equal((await watching).code, 3);
    await daemon.printed("rm", "watched");
  });

  it("completes groups and what is in them", async () => {
    const line = "COMP_WORDS=(slipway container l); COMP_CWORD=2; _slipway; echo ${COMPREPLY[*]}";
    const said = await shell(`eval "$("$0" completion bash)"; ${line}`);
    assert.deepEqual(said, { code: 0, stdout: "logs list ls\n", stderr: "" });
    assert.doesNotMatch(await daemon.printed("completion", "zsh"), /container-prune/);
  });

  it("passes on as much as there is, to a slow reader as well, and says nothing", async () => {
    for (const flags of ["--rm", "--name much"]) {
      const said = await shell(
        `"$0" run ${flags} ${image} sh -c 'head -c 20000000 /dev/zero' | (head -c 1; sleep 0.5; cat) | wc -c`,
      );
      assert.deepEqual(said, { code: 0, stdout: "20000000\n", stderr: "" });
    }
    await daemon.printed("rm", "much");
  });

  it("shows the events of one container, by Docker's names", async () => {
    for (const name of ["told", "untold"]) await daemon.printed("run", "--name", name, image, "true");
    const events = (...filters: readonly string[]): Promise<string> =>
      daemon.printed(
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--format",
        "{{.Topic}}",
        ...filters.flatMap((filter) => ["--filter", filter]),
      );
    assert.equal(await events("container=told", "event=die"), "/tasks/exit\n");
    assert.match(
      await events("container=told"),
      /^\/containers\/create\n[^]*\/tasks\/start\n\/tasks\/exit\n$/,
    );
    await daemon.printed("rm", "told", "untold");
  });
});
