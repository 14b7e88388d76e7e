import { Fault } from "@slipway/fault/fault";
import type { Command } from "commander";
import { addHealthFlags, type HealthFlags } from "./health-flags.ts";
import { addResourceFlags, type ResourceFlags } from "./resource-flags.ts";

/** The flags of `run` and `create`, as commander gives them. */
export interface RunFlags extends ResourceFlags, HealthFlags {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly detach?: boolean;
  readonly rm?: boolean;
  readonly name?: string;
  readonly env: readonly string[];
  readonly envFile: readonly string[];
  readonly volume: readonly string[];
  readonly mount: readonly string[];
  readonly tmpfs: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly groupAdd: readonly string[];
  readonly hostname?: string;
  readonly readOnly?: boolean;
  readonly privileged?: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly entrypoint?: string;
  readonly label: readonly string[];
  readonly annotation: readonly string[];
  readonly network: string;
  readonly ulimit: readonly string[];
  readonly sysctl: readonly string[];
  readonly securityOpt: readonly string[];
  readonly device: readonly string[];
  readonly deviceCgroupRule: readonly string[];
  readonly stopSignal?: string;
  readonly stopTimeout?: string;
  readonly restart: string;
  readonly pull: string;
  readonly platform?: string;
  readonly runtime?: string;
  /** True when the folder stands where the image would, as nerdctl and podman have it. */
  readonly rootfs?: string | true;
  readonly cidfile?: string;
  readonly init?: boolean;
  readonly initBinary?: string;
  readonly pid?: string;
  readonly ipc?: string;
  readonly uts?: string;
  readonly cgroupns?: string;
  readonly userns?: string;
  readonly shmSize?: string;
  readonly addHost: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOption: readonly string[];
  readonly dnsOpt: readonly string[];
  readonly oomScoreAdj?: string;
  readonly labelFile: readonly string[];
  readonly detachKeys: string;
  readonly sigProxy: boolean;
  readonly logDriver: string;
  readonly logOpt: readonly string[];
  readonly quiet?: boolean;
}

/** Adds the flags to a command. Everything after the image is the container's. */
export function addRunFlags(command: Command): Command {
  const many = (value: string, before: readonly string[]): string[] => [...before, value];
  const list = (flags: string, text: string): Command => command.option(flags, text, many, []);
  command
    .argument("[image]", "an image; left out after --rootfs PATH")
    .argument("[command...]", "what to run instead of the image's command")
    .passThroughOptions()
    .option("-i, --interactive", "keep the input open")
    .option("-t, --tty", "give it a terminal")
    .option("--rm", "remove the container when it has ended")
    .option("--name <name>", "a name for the container")
    .option("-w, --workdir <path>", "the working directory")
    .option("-u, --user <user>", "who runs it: name or uid, with :group or :gid")
    .option("-h, --hostname <name>", "the container's host name")
    .option("--read-only", "make the root file system read-only")
    .option("--privileged", "give it all of root's power over this machine");
  addResourceFlags(command)
    .option("--entrypoint <program>", "what to run instead of the image's entry point")
    .option(
      "--net, --network <mode>",
      "host or none; there are no bridges yet, so host is the default",
      "host",
    )
    .option("--stop-signal <signal>", "what stop sends first (SIGTERM)")
    .option("--stop-timeout <seconds>", "how long stop waits before it kills")
    .option("--restart <policy>", "no, always, on-failure[:times] or unless-stopped", "no")
    .option("--pull <when>", "missing, always or never", "missing")
    .option("-q, --quiet", "do not show the progress of a pull")
    .option("--platform <os/architecture>", "which of the image's platforms")
    .option("--runtime <name>", "the shim, such as io.containerd.runc.v2")
    .option(
      "--rootfs [path]",
      "take a folder of this machine instead of an image; with :O at its end, changes are thrown away",
    )
    .option(
      "--init",
      "run an init in it that passes signals on and reaps orphans: docker-init or tini of this machine",
    )
    .option("--init-binary <program>", "another one")
    .option("--cidfile <file>", "write the container's id to a file")
    .option("--pid <mode>", "host to share the host's processes")
    .option("--ipc <mode>", "host, private, shareable or none")
    .option("--uts <mode>", "host to share the host's name")
    .option("--cgroupns <mode>", "host to share the host's view of cgroups, or private")
    .option("--userns <mode>", "host: users are the host's, as by default")
    .option("--shm-size <size>", "the size of /dev/shm (64m)")
    .option(
      "--oom-score-adj <number>",
      "from -1000 to 1000: the higher, the sooner it ends when memory is short",
    )
    .option("--log-driver <name>", "json-file or none", "json-file");
  addHealthFlags(command);
  list("--log-opt <key=value>", "max-size (20m), max-file (5) and compress (true) of the log");
  list(
    "-e, --env <name=value>",
    "set an environment variable, or pass one on; removes it if it is not set here",
  );
  list("--env-file <file>", "set environment variables from a file");
  list("-v, --volume <[source:]target[:modes]>", "mount a directory of the host, or a volume by its name");
  list("--mount <key=value,...>", "mount something: type=bind|volume|tmpfs,source=...,target=...");
  list("--add-host <name:address>", "a line of its /etc/hosts");
  list("--dns <address>", "a name server of its /etc/resolv.conf");
  list("--dns-search <domain>", "where it looks for short names; . for nowhere");
  list("--dns-option <option>", "an option of its resolver");
  list("--dns-opt <option>", "the same as --dns-option");
  list("--tmpfs <path[:options]>", "mount a tmpfs");
  list("--group-add <group>", "a further group of the user");
  list("--cap-add <capability>", "give it a capability");
  list("--cap-drop <capability>", "take a capability away");
  list("-l, --label <key=value>", "label the container");
  list("--label-file <file>", "labels from a file, one a line");
  list("--annotation <key=value>", "annotate its runtime spec");
  list("--ulimit <name=soft[:hard]>", "limit a resource of its processes");
  list("--sysctl <name=value>", "set a kernel parameter of its namespaces");
  list(
    "--security-opt <option>",
    "seccomp=builtin|unconfined|FILE, no-new-privileges, systempaths=unconfined ...",
  );
  list("--device <path[:path][:rwm]>", "give it a device of the host, or all of a directory");
  list("--device-cgroup-rule <rule>", 'let it use devices, such as "c 13:* rwm"');
  return command;
}

/** How `run` and `start` are attached. */
export function addAttachFlags(command: Command): Command {
  return command
    .option("--detach-keys <keys>", "what to type to leave the container running", "ctrl-p,ctrl-q")
    .option("--no-sig-proxy", "do not pass signals on to the container");
}

/** What a command line of `run` or `create` asks for. */
export interface RunRequest {
  /** An image, or a folder when `flags.rootfs` is set. */
  readonly image: string;
  readonly command: readonly string[];
}

/**
 * Tells the image from the command: after `--rootfs PATH` everything is the command.
 * @throws {Fault} `invalid_argument` without an image
 */
export function requestOf(first: string | undefined, rest: readonly string[], flags: RunFlags): RunRequest {
  if (typeof flags.rootfs === "string") {
    return { image: flags.rootfs, command: first === undefined ? [] : [first, ...rest] };
  }
  if (first === undefined) throw new Fault("invalid_argument", "Cannot make a container: no image was named");
  return { image: first, command: rest };
}
