import type { HealthcheckConfig } from "@slipway/oci/image";
import type { Labels } from "../labels.ts";

/** Of a container: what nerdctl keeps there, too (its pkg/labels). */
export const healthLabel = {
  /** How it is checked: JSON, as Docker's image configuration has it, durations in nanoseconds. */
  check: "nerdctl/healthcheck",
  /** How it is: JSON. */
  state: "nerdctl/healthstate",
  /** What happens when it becomes unhealthy: `none`, or `kill`, so that the restart policy applies. */
  onFailure: "slipway/health-on-failure",
} as const;

/** The results of the last probes, JSON a line, the oldest first, in the container's `nerdctl/state-dir`. */
export const healthLogName = "health.json";

/** How a container is checked. */
export interface HealthCheck {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  /** A probe that takes longer has failed. */
  readonly timeoutMs: number;
  /** So many failures one after the other make it unhealthy. */
  readonly retries: number;
  /** In the time after its start failures do not count, until a probe succeeds. */
  readonly startPeriodMs: number;
  /** Instead of `intervalMs`, in that time. */
  readonly startIntervalMs: number;
}

export type HealthStatus = "starting" | "healthy" | "unhealthy";

export interface HealthState {
  readonly status: HealthStatus;
  readonly failingStreak: number;
  /** When the last probe began. */
  readonly lastProbeAt?: Date;
}

/** One probe. */
export interface HealthResult {
  readonly start: Date;
  readonly end: Date;
  /** 0 for healthy; -1 when the probe could not be made or took too long. */
  readonly exitCode: number;
  /** What it printed, up to 4,096 bytes. */
  readonly output: string;
}

const secondsInMs = 1000;
const nanosecondsInMs = 1e6;

/** How a container is checked, by its labels; undefined when it is not. */
export function healthCheckOf(labels: Labels): HealthCheck | undefined {
  const config: HealthcheckConfig | undefined = parseJson(labels[healthLabel.check]);
  const command = commandOf(config?.Test ?? []);
  if (!config || !command) return undefined;
  const time = (nanoseconds: number | undefined, seconds: number): number =>
    nanoseconds ? nanoseconds / nanosecondsInMs : seconds * secondsInMs;
  return {
    command,
    intervalMs: time(config.Interval, 30),
    timeoutMs: time(config.Timeout, 30),
    retries: config.Retries || 3,
    startPeriodMs: time(config.StartPeriod, 0),
    startIntervalMs: time(config.StartInterval, 5),
  };
}

/** `["CMD", PROGRAM ...]` or `["CMD-SHELL", LINE]`; nothing for `["NONE"]` and for an empty one, which is the image's. */
function commandOf([kind = "NONE", ...rest]: readonly string[]): readonly string[] | undefined {
  if (kind === "NONE" || kind === "" || (rest[0] ?? "").trim() === "") return undefined;
  return kind === "CMD-SHELL" ? ["/bin/sh", "-c", rest.join(" ")] : rest;
}

interface StateLabel {
  readonly Status?: string;
  readonly FailingStreak?: number;
  readonly InStartPeriod?: boolean;
  readonly LastProbeAt?: string;
}

/** How a container is; undefined when nobody checks it. */
export function healthStateOf(labels: Labels): HealthState | undefined {
  const state: StateLabel | undefined = parseJson(labels[healthLabel.state]);
  const status = (["starting", "healthy", "unhealthy"] as const).find((word) => word === state?.Status);
  if (!state || !status) return undefined;
  const { FailingStreak: failingStreak = 0, LastProbeAt } = state;
  return { status, failingStreak, ...(LastProbeAt ? { lastProbeAt: new Date(LastProbeAt) } : {}) };
}

export function formatHealthState({ status, failingStreak, lastProbeAt }: HealthState): string {
  return JSON.stringify({
    Status: status,
    FailingStreak: failingStreak,
    InStartPeriod: status === "starting",
    ...(lastProbeAt ? { LastProbeAt: lastProbeAt.toISOString() } : {}),
  });
}

/** A result as Docker and nerdctl write it. */
export function formatHealthResult({ start, end, exitCode, output }: HealthResult): string {
  const times = { Start: start.toISOString(), End: end.toISOString() };
  return JSON.stringify({ ...times, ExitCode: exitCode, Output: output });
}

/** Docker's rule for what a probe changes. `upMs`: how long the container had been up when the probe began. */
export function nextHealth(
  before: HealthState,
  check: Pick<HealthCheck, "retries" | "startPeriodMs">,
  { start, exitCode }: Pick<HealthResult, "start" | "exitCode">,
  upMs: number,
): HealthState {
  if (exitCode === 0) return { status: "healthy", failingStreak: 0, lastProbeAt: start };
  if (before.status === "starting" && upMs < check.startPeriodMs) return { ...before, lastProbeAt: start };
  const failingStreak = before.failingStreak + 1;
  const status = failingStreak >= check.retries ? "unhealthy" : before.status;
  return { status, failingStreak, lastProbeAt: start };
}

/** Milliseconds until the next probe. */
export function probeWaitMs(
  { status }: Pick<HealthState, "status">,
  { intervalMs, startIntervalMs, startPeriodMs }: HealthCheck,
  upMs: number,
): number {
  return status === "starting" && upMs < startPeriodMs ? startIntervalMs : intervalMs;
}

/** Another program's label may hold anything. */
function parseJson(text: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
