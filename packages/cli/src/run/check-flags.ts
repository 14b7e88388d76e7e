import { isAbsolute } from "node:path";
import { parseSignal } from "@slipway/client/signals";
import { Fault } from "@slipway/fault/fault";
import type { RunFlags } from "./flags.ts";
import { keyValues } from "./key-values.ts";
import { healthLabels } from "./health-flags.ts";
import { newRestartLabels } from "../lifecycle/restart-labels.ts";
import { timeoutSeconds } from "../lifecycle/stop-flags.ts";
import { parseLimits } from "@slipway/logs/log-uri";
import { readPlatform } from "../images/platforms.ts";
import { readInteger } from "@slipway/fault/read-number";
import { refuseBadName } from "./names.ts";

const pullTimes = ["always", "missing", "never"];
/** Those that something is done with, and those of Docker's that say what to write beside each line. */
const logOptions = ["max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag"];

/**
 * Refuses values that nothing else looks at before there is something to clean up, or at all.
 * @throws {Fault} `invalid_argument`
 */
export function checkFlags(flags: RunFlags): void {
  if (flags.name) refuseBadName(flags.name);
  if (flags.stopSignal) parseSignal(flags.stopSignal);
  if (flags.stopTimeout !== undefined) readInteger("--stop-timeout", flags.stopTimeout, timeoutSeconds);
  expect(pullTimes.includes(flags.pull), "pull", flags.pull, `it is one of ${pullTimes.join(", ")}`);
  expect(!flags.workdir || isAbsolute(flags.workdir), "workdir", flags.workdir, "it is no absolute path");
  expect(isMode(flags.pid, "host"), "pid", flags.pid, "host is the only mode");
  expect(isMode(flags.uts, "host"), "uts", flags.uts, "host is the only mode");
  expect(
    isMode(flags.ipc, "host", "private", "shareable", "none"),
    "ipc",
    flags.ipc,
    "it is host, private, shareable or none",
  );
  expect(isMode(flags.cgroupns, "host", "private"), "cgroupns", flags.cgroupns, "it is host or private");
  expect(isMode(flags.userns, "host"), "userns", flags.userns, "host is the only mode");
  expect(
    !flags.hostname || /^[a-zA-Z0-9_][\w.-]{0,63}$/.test(flags.hostname),
    "hostname",
    flags.hostname,
    "a host name has up to 64 letters, digits, _ . and -, and begins with a letter, digit or _",
  );
  if (flags.shmSize !== undefined && (flags.ipc === "host" || flags.ipc === "none")) {
    const why = flags.ipc === "host" ? "the host's /dev/shm has its own size" : "there is no /dev/shm";
    throw new Fault("invalid_argument", `Cannot use --shm-size with --ipc ${flags.ipc}: ${why}`);
  }
  if (flags.runtime) expect(isRuntime(flags.runtime), "runtime", flags.runtime, notRuntime);
  if (flags.platform) readPlatform(flags.platform);
  checkLabelFlags(flags);
}

/** Those that end as labels. */
function checkLabelFlags(flags: RunFlags): void {
  newRestartLabels(flags.restart, undefined);
  healthLabels(flags, undefined);
  for (const one of flags.annotation) expect(!/^\s*(?:=|$)/.test(one), "annotation", one, "it has no key");
  parseLimits(keyValues(flags.logOpt));
  for (const name of Object.keys(keyValues(flags.logOpt))) {
    expect(logOptions.includes(name), "log-opt", name, `there are ${logOptions.join(", ")}`);
  }
  if (flags.rm && flags.restart !== "no" && flags.restart !== "") {
    throw new Fault("invalid_argument", "Cannot use --restart with --rm: they exclude each other");
  }
  if (flags.uts === "host" && flags.hostname !== undefined) {
    throw new Fault("invalid_argument", "Cannot use --hostname with --uts host: the host has its name");
  }
}

/** As containerd names shims: https://github.com/containerd/containerd/blob/main/core/runtime/v2/README.md */
function isRuntime(name: string): boolean {
  return isAbsolute(name) || /^[\w-]+(?:\.[\w-]+){2,}$/.test(name);
}

const notRuntime = "it is neither the name of a shim, such as io.containerd.runc.v2, nor its absolute path";

function isMode(mode: string | undefined, ...modes: readonly string[]): boolean {
  return mode === undefined || mode === "" || modes.includes(mode);
}

function expect(isFine: boolean, flag: string, value = "", why: string): void {
  if (!isFine) throw new Fault("invalid_argument", `Cannot use --${flag} "${value}": ${why}`);
}
