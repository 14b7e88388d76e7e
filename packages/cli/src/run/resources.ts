import { cpus as processors } from "node:os";
import { Fault } from "@slipway/fault/fault";
import { anyCount, type NumberRange, readDecimal, readInteger } from "@slipway/fault/read-number";
import type { ResourcesSpec } from "@slipway/oci/runtime-spec";
import { readSize } from "../format/size.ts";
import { readCpuset } from "./cpuset.ts";
import type { ResourceFlags } from "./resource-flags.ts";

const cpuPeriodMicroseconds = 100_000;
/** The kernel's PID_MAX_LIMIT. */
const maxPids = 4_194_304;

/** The limits of a container, from Docker's flags. @throws {Fault} `invalid_argument` */
export function resourcesOf(flags: ResourceFlags): ResourcesSpec {
  const memory = memoryOf(flags);
  const cpu = cpuOf(flags);
  const pids = integerOf("--pids-limit", flags.pidsLimit, { min: -1, max: maxPids });
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    // Docker takes 0 for no limit, too.
    ...(pids === undefined ? {} : { pids: { limit: pids || -1 } }),
  };
}

function memoryOf(flags: ResourceFlags): NonNullable<ResourcesSpec["memory"]> {
  const limit = sizeOf("--memory", flags.memory);
  const swap = flags.memorySwap === "-1" ? -1 : sizeOf("--memory-swap", flags.memorySwap) || undefined;
  const reservation = sizeOf("--memory-reservation", flags.memoryReservation);
  if (limit && swap !== undefined && swap !== -1 && swap < limit) {
    throw refused("--memory-swap", "it counts memory and swap, and is below --memory");
  }
  if (limit && reservation !== undefined && reservation > limit) {
    throw refused("--memory-reservation", "it is above --memory");
  }
  const swappiness = integerOf("--memory-swappiness", flags.memorySwappiness, { min: -1, max: 100 });
  return present({ limit, swap, reservation, swappiness: swappiness === -1 ? undefined : swappiness });
}

function cpuOf(flags: ResourceFlags): NonNullable<ResourcesSpec["cpu"]> {
  const cpus = cpusOf(flags.cpus);
  const period = integerOf("--cpu-period", flags.cpuPeriod, { min: 0, max: 1_000_000 });
  const quota = integerOf("--cpu-quota", flags.cpuQuota, { min: -1, max: Number.MAX_SAFE_INTEGER });
  if (cpus !== undefined && (period !== undefined || quota !== undefined)) {
    throw refused("--cpus with --cpu-period or --cpu-quota", "they exclude each other");
  }
  // Below that, the kernel refuses it.
  if (period !== undefined && period > 0 && period < 1000) throw refused("--cpu-period", "it is below 1000");
  if (quota !== undefined && quota > 0 && quota < 1000) throw refused("--cpu-quota", "it is below 1000");
  return present({
    quota: cpus === undefined ? quota || undefined : Math.round(cpus * cpuPeriodMicroseconds),
    period: cpus === undefined ? period || undefined : cpuPeriodMicroseconds,
    shares: integerOf("--cpu-shares", flags.cpuShares, anyCount) || undefined,
    cpus: readCpuset("--cpuset-cpus", flags.cpusetCpus, "/sys/devices/system/cpu/online"),
    mems: readCpuset("--cpuset-mems", flags.cpusetMems, "/sys/devices/system/node/online"),
  });
}

/** More than this machine has is refused, as by Docker; 0 is no limit. */
function cpusOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = readDecimal("--cpus", text, { min: 0, max: processors().length });
  if (value > 0 && value < 0.01) throw refused("--cpus", `"${text}" is below 0.01`);
  return value === 0 ? undefined : value;
}

/** Without what was not said. */
function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function sizeOf(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : readSize(flag, text);
}

function integerOf(flag: string, text: string | undefined, range: NumberRange): number | undefined {
  return text === undefined ? undefined : readInteger(flag, text, range);
}

function refused(flags: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot use ${flags}: ${why}`);
}
