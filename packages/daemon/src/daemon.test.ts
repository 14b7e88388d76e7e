import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { watch } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { Task } from "@slipway/api/containerd/task/v3/task_pb";
import { connect } from "@slipway/client/connect";
import { TtrpcClient } from "@slipway/ttrpc/client";

const run = promisify(execFile);
const slipwayd = join(import.meta.dirname, "../../../bin/slipwayd");
const folder = mkdtempSync(join(tmpdir(), "slipwayd-"));
const root = join(folder, "root");
const address = join(folder, "state/slipway.sock");

async function ctr(...args: readonly string[]): Promise<string> {
  return (await run("ctr", ["--address", address, ...args])).stdout;
}

/** A slipwayd that serves. */
async function start({
  flags = ["--root", root, "--state", join(folder, "state"), "--address", address],
  env = {},
  umask = "022",
  startsWhen = "successfully booted",
}: {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly umask?: string;
  /** What it logs last before it is returned. */
  readonly startsWhen?: string;
} = {}): Promise<ChildProcess> {
  const child = spawn("sh", ["-c", `umask ${umask}; exec "$@"`, "sh", slipwayd, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    if (line.includes(startsWhen)) {
      child.stderr.resume();
      return child;
    }
  }
  throw new Error(`slipwayd did not start: ${lines.join("\n")}`);
}

/** What a service manager gets on its socket, after the word that it listens. */
function notifications(socket: string): Disposable & { readonly lines: AsyncIterator<string> } {
  const program = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True: print(s.recv(4096).decode().replace("\\n", "|"), flush=True)`;
  const child = spawn("python3", ["-c", program, socket], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { lines, [Symbol.dispose]: () => void child.kill() };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(child, "exit") as Promise<[number | null]>;
  child.kill(signal);
  return (await ended)[0];
}

describe("slipwayd", () => {
  let daemon: ChildProcess;
  before(async () => {
    daemon = await start();
  });
  after(async () => {
    if (daemon.exitCode === null) await stop(daemon, "SIGKILL");
    rmSync(folder, { recursive: true });
  });

  it("answers ctr", async () => {
    assert.match(await ctr("version"), /Server:\n {2}Version: {2}2\./);
    assert.match(await ctr("plugins", "ls"), /io\.containerd\.grpc\.v1 +version +- +ok/);
  });

  it("publishes what a shim hands to its binary, and refuses what is no event", async () => {
    await using client = connect({ address, namespace: "publishing" });
    const events = client.events.subscribe(["namespace==publishing"])[Symbol.asyncIterator]();
    const first = events.next();
    const payload = { typeUrl: "example.v1.Thing", value: new Uint8Array([8, 1]) };
    const publish = async (input: Uint8Array, ...args: string[]): Promise<boolean> => {
      const publishing = run(slipwayd, ["--address", address, "publish", ...args]);
      publishing.child.stdin?.end(input);
      await publishing;
      return false;
    };
    const bytes = toBinary(AnySchema, create(AnySchema, payload));
    // Who subscribes hears what comes from then on, and nobody says when that is.
    const heard = first.then(() => true);
    while (
      !(await Promise.race([heard, publish(bytes, "-namespace", "publishing", "--topic", "/things/one")]))
    );
    const { value } = await first;
    assert.deepEqual(
      [value?.topic, value?.namespace, value?.event.typeUrl, [...(value?.event.value ?? [])]],
      ["/things/one", "publishing", payload.typeUrl, [...payload.value]],
    );
    await events.return?.(undefined);
    await assert.rejects(publish(bytes, "--namespace", "publishing"), { stderr: /topic required/ });
    await assert.rejects(publish(new Uint8Array([255]), "--topic", "/x"), {
      stderr: /Cannot read the event/,
    });
  });

  it("shows every plugin's configuration, and names what is wrong with one", async () => {
    const { stdout } = await run(slipwayd, ["config", "default"]);
    assert.match(stdout, /\[plugins\."io\.containerd\.gc\.v1\.scheduler"\]\n(?:.*\n)*?schedule_delay = "0s"/);
    const file = join(folder, "config.toml");
    const overlay = '[plugins."io.containerd.snapshotter.v1.overlayfs"]';
    writeFileSync(file, `version = 3\n${overlay}\nsync_remov = true\n`);
    const check = (): Promise<unknown> => run(slipwayd, ["-c", file, "config", "check"]);
    await assert.rejects(check(), { code: 1, stderr: /overlayfs"\.sync_remov": did you mean "sync_remove"/ });
    writeFileSync(file, `version = 3\n${overlay}\nlayer_format = "zip"\n`);
    await assert.rejects(check(), { stderr: /layer_format": expected one of auto, erofs, directory/ });
    writeFileSync(file, (await run(slipwayd, ["config", "default"])).stdout);
    await check();
    assert.deepEqual((await run(slipwayd, ["-c", file, "config", "dump"])).stdout, stdout);
    const theirs = join(import.meta.dirname, "../testdata/containerd-1.6-default.toml");
    const { stderr } = await run(slipwayd, ["-c", theirs, "config", "check"]).catch(
      (error: unknown) => error as { stderr: string },
    );
    assert.deepEqual(stderr.match(/(?<=^ {2}\w+ ).*(?= has no effect)/gm), [
      '"stream_processors"',
      'plugins."io.containerd.grpc.v1.cri"',
      'plugins."io.containerd.internal.v1.opt"',
      'plugins."io.containerd.runtime.v1.linux"',
    ]);
  });

  it("answers shims over ttrpc", async () => {
    await using client = await TtrpcClient.connect(`${address}.ttrpc`);
    await assert.rejects(client.unary(Task.method.state, {}), { code: "unimplemented" });
  });

  it("keeps its root, its state and its sockets to root", () => {
    const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    const paths = [root, join(folder, "state"), address, `${address}.ttrpc`];
    assert.deepEqual(paths.map(modeOf), ["700", "711", "600", "600"]);
  });

  it("refuses a second instance on its root or its state, naming the first", async () => {
    const first = `the slipwayd with pid ${daemon.pid} \\(root "${root}", state "${join(folder, "state")}"\\)`;
    const own = (name: string): string => join(folder, name);
    const link = own("link");
    symlinkSync(root, link);
    for (const [which, flags] of [
      ["root", ["--root", root, "--state", own("s2"), "--address", own("2.sock")]],
      ["root", ["--root", link, "--state", own("s2"), "--address", own("2.sock")]],
      ["state", ["--root", own("r2"), "--state", own("state"), "--address", own("2.sock")]],
    ] as const) {
      const message = new RegExp(`Cannot use ${which} "[^"]+": ${first} is running on it`);
      await assert.rejects(start({ flags }), { message });
    }
  });

  it("gives a root and a state that are there their modes, and refuses what is not its own", async () => {
    const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
    const flagsOf = (rootPath: string, state: string): string[] => [
      `--root=${rootPath}`,
      `--state=${state}`,
      `--address=${join(folder, "mode.sock")}`,
    ];
    const [open, foreign, shared] = ["open", "foreign", "shared"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [open, `${open}-state`, foreign, shared]) mkdirSync(path);
    for (const path of [open, `${open}-state`]) chmodSync(path, 0o777);
    chownSync(foreign, 1234, 0);
    chmodSync(shared, 0o1777);
    writeFileSync(join(shared, "others"), "");
    await stop(await start({ flags: flagsOf(open, `${open}-state`) }), "SIGTERM");
    assert.deepEqual([open, `${open}-state`].map(modeOf), ["700", "711"]);
    const refused: readonly (readonly [root: string, state: string, why: RegExp])[] = [
      [
        foreign,
        `${open}-state`,
        /Cannot use root "[^"]+foreign": it belongs to uid 1234, and slipwayd runs as uid 0/,
      ],
      [open, shared, /Cannot use state "[^"]+shared": it is shared/],
      [open, "/dev/shm", /Cannot use state "\/dev\/shm": it is shared/],
      ["/tmp", `${open}-state`, /Cannot use root "\/tmp": it is shared/],
      ["/", `${open}-state`, /Cannot use root "\/": it is the machine's root directory/],
      [open, `${open}/../open`, /root and state are the same directory/],
    ];
    for (const [rootPath, state, message] of refused) {
      await assert.rejects(start({ flags: flagsOf(rootPath, state) }), { message });
    }
    assert.deepEqual([shared, "/tmp", "/dev/shm"].map(modeOf), ["1777", "1777", "1777"]);
  });

  it("takes a root and a state that are new file systems, whatever mode they have", async () => {
    const paths = ["mounted-root", "mounted-state"].map((name) => join(folder, name)) as [string, string];
    await using undo = new AsyncDisposableStack();
    for (const path of paths) {
      mkdirSync(path);
      await run("mount", ["-t", "tmpfs", "none", path]);
      undo.defer(async () => void (await run("umount", [path])));
    }
    const flags = ["--root", paths[0], "--state", paths[1], "--address", join(folder, "mounted.sock")];
    for (const _ of ["first", "second"]) await stop(await start({ flags }), "SIGTERM");
    assert.deepEqual(
      paths.map((path) => (statSync(path).mode & 0o7777).toString(8)),
      ["700", "711"],
    );
  });

  it("makes its files with its own umask, not with that of who starts it", async () => {
    const at = (name: string): string => join(folder, "masked", name);
    const flags = ["--root", at("r"), "--state", at("s"), "--address", at("d.sock")];
    for (const umask of ["000", "077"]) {
      const masked = await start({ flags, umask });
      await using client = connect({ address: at("d.sock"), namespace: `umask${umask}` });
      const writer = await client.content.writer("blob");
      await writer.write(Buffer.from(umask));
      await writer.commit();
      const [mount] = await client.snapshotter("overlayfs").prepare("key", "");
      assert.equal(statSync(mount?.source ?? "").mode & 0o7777, 0o755);
      assert.equal(await stop(masked, "SIGTERM"), 0);
    }
    const paths = [at("r"), at("s")].flatMap((path) =>
      readdirSync(path, { recursive: true, encoding: "utf8" }).map((name) => join(path, name)),
    );
    const modes = paths.map((path) => ({ path, mode: lstatSync(path).mode & 0o7777 }));
    assert.deepEqual(
      modes.filter(({ path, mode }) => (mode & 0o022) !== 0 && !lstatSync(path).isSymbolicLink()),
      [],
    );
  });

  it("is stopped by SIGTERM while its start waits for a shim that does not answer", async () => {
    const at = (name: string): string => join(folder, "hanging", name);
    const paths = ["--root", at("r"), "--state", at("s"), "--address", at("d.sock")];
    const first = await start({ flags: paths });
    const spec = at("spec.json");
    writeFileSync(spec, "{}");
    await run("ctr", ["-a", at("d.sock"), "-n", "hanging", "container", "create", "--config", spec, "c"]);
    assert.equal(await stop(first, "SIGTERM"), 0);
    const bundle = at("s/io.containerd.runtime.v2.task/hanging/c");
    mkdirSync(bundle, { recursive: true });
    writeFileSync(join(bundle, "address"), `unix://${at("shim.sock")}`);
    await run("mkfifo", [join(bundle, "log")]);
    const config = at("config.toml");
    writeFileSync(config, 'version = 3\n[timeouts]\n"io.containerd.timeout.shim.load" = "1h"\n');
    const shim = createServer().listen(at("shim.sock"));
    await once(shim, "listening");
    const asked = once(shim, "connection") as Promise<[Socket]>;
    const daemon = await start({ flags: ["--config", config, ...paths], startsWhen: "starting slipwayd" });
    const [connection] = await asked;
    assert.equal(await stop(daemon, "SIGTERM"), 0);
    connection.destroy();
    shim.close();
  });

  it("is ended by no signal but those that stop it, and dumps its state when it gets SIGUSR1", async () => {
    await using client = connect({ address, namespace: "dumped" });
    const aborter = new AbortController();
    const subscribed = client.events.subscribe([], { signal: aborter.signal })[Symbol.asyncIterator]().next();
    for (const signal of [
      "SIGHUP",
      "SIGUSR2",
      "SIGPIPE",
      "SIGALRM",
      "SIGVTALRM",
      "SIGIO",
      "SIGPWR",
    ] as const) {
      daemon.kill(signal);
    }
    await client.introspection.version();
    const path = join(folder, "state", `slipwayd.${daemon.pid}.dump.json`);
    const changes = watch(dirname(path))[Symbol.asyncIterator]();
    const changed = changes.next();
    daemon.kill("SIGUSR1");
    await changed;
    while (!existsSync(path)) await changes.next();
    await changes.return?.(undefined);
    const dump = JSON.parse(readFileSync(path, "utf8")) as { pid: number; calls: { path: string }[] };
    assert.equal(dump.pid, daemon.pid);
    assert.ok(
      dump.calls.some(({ path: call }) => call === "/containerd.services.events.v1.Events/Subscribe"),
    );
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(path, "utf8"), /environmentVariables/);
    aborter.abort();
    await assert.rejects(subscribed);
  });

  it("tells the service manager when it serves, that it is alive and when it stops", async () => {
    const socket = join(folder, "notify");
    using manager = notifications(socket);
    const { lines } = manager;
    assert.equal((await lines.next()).value, "listening");
    const own = (name: string): string => join(folder, name);
    const managed = await start({
      flags: ["--root", own("rn"), "--state", own("sn"), "--address", own("n.sock")],
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "200000" },
    });
    const told = async (): Promise<string> => String((await lines.next()).value);
    assert.equal(await told(), `READY=1|STATUS=Serving on ${own("n.sock")}`);
    assert.deepEqual([await told(), await told()], ["WATCHDOG=1", "WATCHDOG=1"]);
    assert.equal(await stop(managed, "SIGINT"), 0);
    let last = await told();
    while (last === "WATCHDOG=1") last = await told();
    assert.equal(last, "STOPPING=1|STATUS=Stopping");
  });

  it("refuses to start without the store that its blobs have their names in, and removes none", async () => {
    const at = (name: string): string => join(folder, "lost", name);
    const blob = at(`r/io.containerd.content.v1.content/blobs/sha256/${"a".repeat(64)}`);
    mkdirSync(dirname(blob), { recursive: true });
    writeFileSync(blob, "blob");
    const flags = ["--root", at("r"), "--state", at("s"), "--address", at("d.sock")];
    await assert.rejects(start({ flags }), {
      message: /it is missing or empty, but "[^"]+\/a{64}" is there/,
    });
    assert.equal(readFileSync(blob, "utf8"), "blob");
  });

  it("says why it cannot make its state or its sockets", async () => {
    const flagsOf = (state: string, socket: string): string[] => [
      `--root=${join(folder, "unmade")}`,
      `--state=${state}`,
      `--address=${socket}`,
    ];
    const long = join(folder, "x".repeat(108));
    await assert.rejects(start({ flags: flagsOf("/proc/none", join(folder, "u.sock")) }), {
      message: /Cannot use state "\/proc\/none": ENOENT/,
    });
    await assert.rejects(start({ flags: flagsOf(join(folder, "unmade-state"), long) }), {
      message: /the path has \d+ bytes, and a socket's can have 107/,
    });
  });

  it("stops by SIGTERM with 0, without its sockets, and starts again after SIGKILL", async () => {
    assert.equal(await stop(daemon, "SIGTERM"), 0);
    assert.equal(existsSync(address), false);
    assert.equal(existsSync(`${address}.ttrpc`), false);
    daemon = await start();
    await stop(daemon, "SIGKILL");
    assert.equal(existsSync(address), true);
    daemon = await start();
    assert.match(await ctr("version"), /Server:/);
  });
});
