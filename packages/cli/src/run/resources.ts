import { Fault } from "@slipway/fault/fault";
import type { ResourcesSpec } from "@slipway/oci/runtime-spec";
import { parseSize } from "../format/size.ts";
import type { ResourceFlags } from "./resource-flags.ts";

const cpuPeriodMicroseconds = 100_000;

/** The limits of a container, from Docker's flags. @throws {Fault} `invalid_argument` */
export function resourcesOf(flags: ResourceFlags): ResourcesSpec {
  const memory = memoryOf(flags);
  const cpu = cpuOf(flags);
  const pids = numberOf("--pids-limit", flags.pidsLimit);
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
}

function memoryOf(flags: ResourceFlags): NonNullable<ResourcesSpec["memory"]> {
  const limit = sizeOf("--memory", flags.memory);
  const swap = flags.memorySwap === "-1" ? -1 : sizeOf("--memory-swap", flags.memorySwap);
  if (limit !== undefined && swap !== undefined && swap !== -1 && swap < limit) {
    throw new Fault(
      "invalid_argument",
      "Cannot use --memory-swap: it counts memory and swap, and is below --memory",
    );
  }
  return present({
    limit,
    swap,
    reservation: sizeOf("--memory-reservation", flags.memoryReservation),
    swappiness: numberOf("--memory-swappiness", flags.memorySwappiness),
  });
}

function cpuOf(flags: ResourceFlags): NonNullable<ResourcesSpec["cpu"]> {
  const cpus = numberOf("--cpus", flags.cpus);
  const [period, quota] = [
    numberOf("--cpu-period", flags.cpuPeriod),
    numberOf("--cpu-quota", flags.cpuQuota),
  ];
  if (cpus !== undefined && (period !== undefined || quota !== undefined)) {
    throw new Fault(
      "invalid_argument",
      "Cannot use --cpus with --cpu-period or --cpu-quota: they exclude each other",
    );
  }
  return present({
    quota: cpus === undefined ? quota : Math.round(cpus * cpuPeriodMicroseconds),
    period: cpus === undefined ? period : cpuPeriodMicroseconds,
    shares: numberOf("--cpu-shares", flags.cpuShares),
    cpus: flags.cpusetCpus,
    mems: flags.cpusetMems,
  });
}

/** Without what was not said. */
function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
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
