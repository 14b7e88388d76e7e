import { readFileSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import type { RlimitSpec } from "@slipway/oci/runtime-spec";

/** RLIM_INFINITY of setrlimit(2). */
const unlimited = 0xffff_ffff_ffff_ffffn;
const largest = 0x7fff_ffff_ffff_ffffn;

/**
 * `--ulimit NAME=SOFT[:HARD]`, where -1 means no limit. As in Docker, the last of several with one name is used.
 * `maxOpenFiles` is the kernel's fs.nr_open, above which it accepts no limit of open files.
 * @throws {Fault} `invalid_argument`
 */
export function rlimitsOf(
  texts: readonly string[],
  maxOpenFiles: bigint = kernelMaxOpenFiles(),
): RlimitSpec[] {
  const limits = texts.map((text) => rlimitOf(text, maxOpenFiles));
  return [...new Map(limits.map((limit) => [limit.type, limit])).values()];
}

function rlimitOf(text: string, maxOpenFiles: bigint): RlimitSpec {
  const [, name = "", soft = "", hard = soft] =
    /^([^=]*)=([^:]*)(?::(.*))?$/s.exec(text) ?? refuse(text, "it is not NAME=SOFT[:HARD]");
  if (!names.has(name)) refuse(text, `there is no limit "${name}"`);
  const limit = { soft: valueOf(text, soft), hard: valueOf(text, hard) };
  if (limit.soft > limit.hard) refuse(text, "the soft limit is above the hard limit");
  if (name === "nofile" && limit.hard > maxOpenFiles) {
    refuse(text, `the kernel allows ${maxOpenFiles} open files at most (fs.nr_open)`);
  }
  return { type: `RLIMIT_${name.toUpperCase()}`, ...limit };
}

function valueOf(text: string, value: string): bigint {
  if (value === "-1") return unlimited;
  const number = /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;
  if (number === undefined || number > largest) {
    refuse(text, `"${value}" is neither a number from 0 to ${largest} nor -1`);
  }
  return number;
}

function kernelMaxOpenFiles(): bigint {
  return BigInt(readFileSync("/proc/sys/fs/nr_open", "utf8").trim());
}

function refuse(text: string, why: string): never {
  throw new Fault("invalid_argument", `Cannot set ulimit "${text}": ${why}`);
}

/** The names of setrlimit(2), in lower case as Docker has them. */
const names = new Set(
  "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  ),
);
