import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

/** What is typed before the image or container, and how the answer begins. "DIR" stands for a directory. */
type Case = readonly [flags: string, sentence: string];

const ofCreate: readonly Case[] = [
  ["--name=-a", 'Cannot use name "-a": letters'],
  [`--name=${"a".repeat(300)}`, `Cannot use name "${"a".repeat(60)}...": it has 300 characters`],
  ["--name=taken", 'Cannot use name "taken": container'],
  ["--workdir=here", 'Cannot use --workdir "here": it is no absolute path'],
  ["--user=-1", 'Cannot read uid "-1": it is out of range, which is 0 to 2147483647'],
  ["--user=1:4294967296", 'Cannot read gid "4294967296": it is out of range'],
  ["--user=nobody-here", "unable to find user nobody-here: no matching entries in passwd file"],
  ["--group-add=99999999999", 'Cannot read gid "99999999999": it is out of range'],
  [`--hostname=${"a".repeat(65)}`, "Cannot use --hostname"],
  ["--hostname=a/b", 'Cannot use --hostname "a/b": a host name has'],
  ["--memory=lots", 'Cannot read --memory "lots": it is not a size such as 512m'],
  ["--memory=99999999999999999999", 'Cannot read --memory "99999999999999999999": it is not a size'],
  ["--memory=2m --memory-swap=1m", "Cannot use --memory-swap: it counts memory and swap"],
  ["--memory-swap=1m", "Cannot use --memory-swap: it needs --memory"],
  ["--memory=1m --memory-reservation=2m", "Cannot use --memory-reservation: it is above --memory"],
  [
    "--memory-swappiness=101",
    'Cannot read --memory-swappiness "101": it is out of range, which is -1 to 100',
  ],
  ["--cpus=-1", 'Cannot read --cpus "-1": it is out of range, which is 0 to'],
  ["--cpus=1e400", 'Cannot read --cpus "1e400": it is not a number'],
  ["--cpus=100000", 'Cannot read --cpus "100000": it is out of range'],
  ["--cpus=0.001", 'Cannot use --cpus: "0.001" is below 0.01'],
  [
    "--cpus=1 --cpu-quota=5000",
    "Cannot use --cpus with --cpu-period or --cpu-quota: they exclude each other",
  ],
  ["--cpu-shares=0x10", 'Cannot read --cpu-shares "0x10": it is not a whole number'],
  ["--cpu-period=10", "Cannot use --cpu-period: it is below 1000"],
  ["--cpu-quota=1e3", 'Cannot read --cpu-quota "1e3": it is not a whole number'],
  ["--cpuset-cpus=a-b", 'Cannot read --cpuset-cpus "a-b": it is not a list such as 0-2,4'],
  ["--cpuset-cpus=8000", 'Cannot read --cpuset-cpus "8000": this machine has no 8000'],
  ["--cpuset-mems=3-1", 'Cannot read --cpuset-mems "3-1": it is not a list'],
  ["--pids-limit=1.5", 'Cannot read --pids-limit "1.5": it is not a whole number'],
  ["--oom-score-adj=1001", 'Cannot read --oom-score-adj "1001": it is out of range, which is -1000 to 1000'],
  ["--stop-signal=SIGFLY", 'unknown signal "SIGFLY"'],
  ["--stop-signal=65", 'unknown signal "65"'],
  ["--stop-timeout=soon", 'Cannot read --stop-timeout "soon": it is not a whole number'],
  ["--restart=sometimes", 'Cannot use restart policy "sometimes": it is not known'],
  ["--restart=on-failure:99999999999999999999", "Cannot read the count of a restart policy"],
  ["--restart=on-failure:-1", 'Cannot use restart policy "on-failure:-1": it is not known'],
  ["--pull=nevr", 'Cannot use --pull "nevr": it is one of'],
  ["--platform=a/b/c/d", 'Cannot use --platform "a/b/c/d": it is not OS/ARCHITECTURE[/VARIANT]'],
  ["--runtime=runc", 'Cannot use --runtime "runc": it is neither the name of a shim'],
  ["--init-binary=DIR", 'Cannot use --init: this machine has no program "DIR"'],
  ["--cidfile=DIR", 'Cannot write container id: "DIR" is there'],
  ["--cidfile=DIR/none/id", 'Cannot write container id to "DIR/none/id": its directory does not exist'],
  ["--pid=mine", 'Cannot use --pid "mine": host is the only mode'],
  ["--cgroupns=mine", 'Cannot use --cgroupns "mine": it is host or private'],
  ["--userns=keep-id", 'Cannot use --userns "keep-id": host is the only mode'],
  ["--log-driver=syslog", 'Cannot use log driver "syslog": there are json-file and none'],
  ["--log-opt=max-size=big", 'Cannot read log option "max-size=big": it is not a size such as 20m'],
  ["--log-opt=max-file=0", 'Cannot read log option "max-file=0": it is not a number from 1'],
  ["--health-interval=often", 'Cannot read --health-interval "often": it is not a duration such as 1m30s'],
  ["--health-timeout=999999999h", 'Cannot read --health-timeout "999999999h": it is not a duration'],
  ["--health-retries=-1", 'Cannot use --health-retries: "-1" is not a whole number from 0'],
  ["--health-on-failure=cry", 'Cannot use --health-on-failure: "cry" is neither none nor kill'],
  ["--env==x", 'Cannot set environment variable "=x": it has no name'],
  ["--env-file=DIR", 'Cannot read environment file "DIR": it is a directory'],
  ["--env-file=DIR/none", 'Cannot read environment file "DIR/none": there is no such file'],
  ["--env-file=DIR/export", 'Cannot read environment file "DIR/export": "export A" is no variable\'s name'],
  ["--env-file=DIR/binary", 'Cannot read environment file "DIR/binary": it is not UTF-8'],
  ["--label==x", 'Cannot use label "=x": it has no key'],
  ["--label-file=DIR", 'Cannot read label file "DIR": it is a directory'],
  ["--annotation==x", 'Cannot use --annotation "=x": it has no key'],
  ["--sysctl=net.ipv4.ip_forward", 'Cannot use --sysctl "net.ipv4.ip_forward": it is not NAME=VALUE'],
  ["--sysctl=vm.swappiness=1", 'Cannot set kernel parameter "vm.swappiness=1": it is not a parameter of a'],
  ["--cap-add=FLY", 'Cannot use capability "FLY": there is none of this name'],
  ["--security-opt=colour=red", 'Cannot use security option "colour=red": it is not known'],
  ["--security-opt=seccomp=DIR", 'Cannot read seccomp profile "DIR": it is a directory'],
  ["--security-opt=seccomp=DIR/export", 'Cannot read seccomp profile "DIR/export": it is not JSON'],
  ["--device=DIR", 'Cannot use device "DIR": the directory has no devices'],
  ["--device=/dev/null:x", 'Cannot use device "/dev/null:x": "x" are no rights'],
  ["--device-cgroup-rule=x", 'Cannot use device rule "x": it is not "TYPE MAJOR:MINOR RIGHTS"'],
];

const ofOthers: readonly Case[] = [
  ["ps --last=1e3", 'Cannot read --last "1e3": it is not a whole number'],
  ["ps --filter=exited=abc", 'Cannot filter by "exited=abc": it is not an exit code'],
  ["ps --filter=health=fine", 'Cannot filter by "health=fine": states are none'],
  ["ps --filter=colour=red", 'Cannot filter by "colour=red": the key is not known'],
  ["logs --tail=0x10 taken", 'Cannot read --tail "0x10": it is not a whole number'],
  ["logs --since=-1 taken", 'Cannot read time "-1": it is neither a date'],
  ["logs --until=99999999999999999999 taken", 'Cannot read time "99999999999999999999": it is neither'],
  ["events --since=99999999999999999999", 'Cannot read time "99999999999999999999": it is neither'],
  ["events --after=1e3", 'Cannot read --after "1e3": it is not a whole number'],
  ["events --filter=;", 'Cannot filter by ";": it has none of the keys container, event and type'],
  ["stop --time=99999999999999999999 taken", 'Cannot read --time "99999999999999999999": it is out of range'],
  ["stop --signal=SIGFLY taken", 'unknown signal "SIGFLY"'],
  ["kill --signal=0 taken", 'unknown signal "0"'],
  ["kill --signal=RTMIN+31 taken", 'unknown signal "RTMIN+31"'],
  ["update taken", "Cannot update: no flag says what is to change"],
  ["update --cpuset-cpus=x taken", 'Cannot read --cpuset-cpus "x": it is not a list'],
  ["inspect --mode=mine taken", 'Cannot use --mode "mine": it is dockercompat or native'],
  ["inspect --type=pod taken", 'Cannot inspect type "pod": there are container and image'],
  ["images --filter=dangling=maybe", 'Cannot filter by "dangling=maybe": dangling is true or false'],
  ["load --input=DIR", 'Cannot read archive "DIR": it is a directory'],
  ["doctor --least-age=soon", 'Cannot read --least-age "soon": it is not a duration such as 1m30s'],
  ["exec --workdir=here taken true", "cannot exec in a stopped container"],
];

describe("a wrong value of a flag", { concurrency: 4 }, () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;
  let image: string;
  let directory: string;

  before(async () => {
    [daemon, registry] = await Promise.all([TestDaemon.start("slipwayd"), TestRegistry.start()]);
    image = await pushBusybox(registry.host);
    await daemon.printed("pull", "-q", image);
    await daemon.printed("create", "--name", "taken", image, "true");
    directory = daemon.folder.join("flags");
    mkdirSync(directory);
    writeFileSync(`${directory}/export`, "export A=1\n");
    writeFileSync(`${directory}/binary`, Buffer.from([0x41, 0x3d, 0xff, 0x0a]));
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  const refused = async (args: readonly string[], code: number, sentence: string): Promise<void> => {
    const placed = args.map((arg) => arg.replaceAll("DIR", directory));
    const said = await daemon.slipway(placed);
    const [line = "", ...more] = said.stderr.trimEnd().split("\n");
    const begin = `slipway: ${sentence.replaceAll("DIR", directory)}`;
    assert.ok(line.startsWith(begin), `${line}\nis not\n${begin}`);
    assert.deepEqual([said.code, said.stdout, more], [code, "", []]);
  };

  for (const [flags, sentence] of ofCreate) {
    it(`is refused: ${flags.slice(0, 60)}`, () =>
      refused(["create", ...flags.split(" "), image, "true"], 125, sentence));
  }
  for (const [line, sentence] of ofOthers) {
    const code = line.startsWith("exec") ? 125 : 1;
    it(`is refused: ${line}`, () => refused(line.split(" "), code, sentence));
  }
  it('is refused: a rule of devices with a blank, "c 1:3 q"', () =>
    refused(["create", "--device-cgroup-rule", "c 1:3 q", image], 125, 'Cannot use device rule "c 1:3 q"'));
});

describe("a platform that an image does not have", () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;
  let image: string;

  before(async () => {
    [daemon, registry] = await Promise.all([TestDaemon.start("slipwayd"), TestRegistry.start()]);
    image = await pushBusybox(registry.host);
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  it("is refused by every command, and nothing of it stays", async () => {
    const platform = ["--platform", "linux/s390x"];
    const fails = async (code: number, ...args: readonly string[]): Promise<void> => {
      const said = await daemon.slipway(args);
      assert.equal(said.code, code, args.join(" "));
      assert.match(said.stderr, /^slipway: image ".*" has no platform linux\/s390x: it is for linux\/\w+$/m);
    };
    await fails(1, "pull", "-q", ...platform, image);
    assert.equal(await daemon.printed("images", "-q"), "");
    await fails(125, "run", "-q", "--rm", ...platform, image, "true");
    assert.equal(await daemon.printed("images", "-q"), "");
    await daemon.printed("pull", "-q", image);
    const archive = daemon.folder.join("a.tar");
    await fails(125, "run", "-q", "--pull", "never", ...platform, image, "true");
    await fails(125, "create", "-q", ...platform, image, "true");
    await fails(1, "save", ...platform, "-o", archive, image);
    await fails(1, "push", ...platform, image);
    await fails(1, "image", "convert", ...platform, image, "other:1");
    await fails(1, "inspect", "--type", "image", ...platform, image);
    assert.equal(existsSync(archive), false);
    assert.deepEqual(await daemon.printed("ps", "-aq"), "");
    assert.match(await daemon.printed("images"), /^REPOSITORY[^\n]*\n[^\n]+\n$/);
  });
});

describe("any flag of any command", () => {
  let daemon: TestDaemon;
  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
  });
  after(() => daemon[Symbol.asyncDispose]());

  it("answers a senseless value in words, and leaves nothing behind", async () => {
    const flags = await flagsWithValues(daemon);
    assert.ok(flags.length > 25, `${flags.length} flags`);
    for (let next = 0; next < flags.length; next += 4) {
      await Promise.all(flags.slice(next, next + 4).map((flag) => answersInWords(daemon, flag)));
    }
    assert.equal(await daemon.printed("ps", "-aq"), "");
    assert.equal(await daemon.printed("images", "-q"), "");
    assert.equal(
      readdirSync(".").find((file) => file.includes(senseless)),
      undefined,
    );
  });
});

const senseless = "\u{1f680},=;";

/** Of commands that neither ask nor go on for ever, and without those that the tables above have. */
async function flagsWithValues(daemon: TestDaemon): Promise<(readonly string[])[]> {
  const names = (await daemon.printed("--help")).matchAll(/^  ([a-z]+)(?:\|[a-z]+)?(?: .*)?$/gm);
  const commands = [...names]
    .map(([, name = ""]) => name)
    .filter((name) => !/^(?:run|create|update|login|events)$/.test(name));
  const found: (readonly string[])[] = [];
  for (const command of commands) {
    const flags = (await daemon.printed(command, "--help")).matchAll(/^  (?:-\w, )?(--[\w-]+) </gm);
    found.push(...[...flags].map(([, flag = ""]) => [command, flag]));
  }
  return found;
}

async function answersInWords(
  daemon: TestDaemon,
  [command = "", flag = ""]: readonly string[],
): Promise<void> {
  const args = [command, `${flag}=${senseless}${"x".repeat(3000)}`, "nothing", "nothing"];
  const { code, stderr } = await daemon.slipway(args, { input: "" });
  const what = `${command} ${flag} ended with ${code}: ${stderr}`;
  assert.doesNotMatch(
    stderr,
    /undefined|TypeError|SyntaxError|RangeError| at .*\.ts|E[A-Z]{4,}:|\[object /,
    what,
  );
  assert.ok(stderr.length < 1000, what);
  assert.ok(code === 0 || code === 1 || code === 125, what);
  assert.equal(code !== 0, /^(?:slipway|error): /m.test(stderr), what);
}
