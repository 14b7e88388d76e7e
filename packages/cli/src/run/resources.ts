import { Fault } from "@slipway/fault/fault";
import type { ResourcesSpec, RlimitSpec } from "@slipway/oci/runtime-spec";
import { parseSize } from "../format/size.ts";
import type { ResourceFlags } from "./resource-flags.ts";

const cpuPeriodMicroseconds = 100_000;

/** The limits of a container, from Docker's flags. */
export function resourcesOf(flags: ResourceFlags): ResourcesSpec {
  const limit = sizeOf("--memory", flags.memory);
  const swap = flags.memorySwap === "-1" ? -1 : sizeOf("--memory-swap", flags.memorySwap);
  const cpus = numberOf("--cpus", flags.cpus);
  const shares = numberOf("--cpu-shares", flags.cpuShares);
  const pids = numberOf("--pids-limit", flags.pidsLimit);
  const memory = { ...(limit === undefined ? {} : { limit }), ...(swap === undefined ? {} : { swap }) };
  const cpu = {
    ...(cpus === undefined
      ? {}
      : { quota: Math.round(cpus * cpuPeriodMicroseconds), period: cpuPeriodMicroseconds }),
    ...(shares === undefined ? {} : { shares }),
    ...(flags.cpusetCpus === undefined ? {} : { cpus: flags.cpusetCpus }),
  };
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
}

/** `nofile=1024:2048`, `core=-1`. */
export function rlimitOf(text: string): RlimitSpec {
  const [, name, soft, hard] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === undefined || soft === undefined) {
    throw new Fault("invalid_argument", `Cannot set ulimit "${text}": it is not NAME=SOFT[:HARD]`);
  }
  if (!limits.has(name.toLowerCase())) {
    throw new Fault("invalid_argument", `Cannot set ulimit "${text}": there is none of this name`);
  }
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: limitOf(soft), hard: limitOf(hard ?? soft) };
}

/** The kernel's "no limit" is the largest 64 bit number, which JSON's readers in Go want as digits: the nearest below. */
function limitOf(text: string): number {
  return text === "-1" ? 0xffff_ffff_ffff_f800 : Number(text);
}

function sizeOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const size = parseSize(text);
  if (size === undefined) throw new Fault("invalid_argument", `Cannot read ${flag} "${text}": it is no size`);
  return size;
}

function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text === "" || Number.isNaN(value)) {
    throw new Fault("invalid_argument", `Cannot read ${flag} "${text}": it is no number`);
  }
  return value;
}

/** setrlimit(2). */
const limits = new Set(
  "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  ),
);
