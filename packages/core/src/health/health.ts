import { Fault } from "@slipway/fault/fault";
import type { HealthcheckConfig } from "@slipway/oci/image";
import { readHealthcheck } from "@slipway/oci/documents/healthcheck";
import { type JsonField, parseJson } from "@slipway/oci/documents/json-field";
import { readTime } from "@slipway/oci/documents/time";
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

/** How a container is checked, as its label has it; undefined when it has none, or one that nobody can read. */
export function healthcheckConfigOf(labels: Labels): HealthcheckConfig | undefined {
  return readLabel(labels, healthLabel.check, readHealthcheck);
}

/** How a container is checked, by its labels; undefined when it is not. */
export function healthCheckOf(labels: Labels): HealthCheck | undefined {
  const config = healthcheckConfigOf(labels);
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

/** How a container is; undefined when nobody checks it. */
export function healthStateOf(labels: Labels): HealthState | undefined {
  return readLabel(labels, healthLabel.state, (state) => {
    const word = state.get("Status").text();
    const status = (["starting", "healthy", "unhealthy"] as const).find((known) => known === word);
    if (!status) return undefined;
    const lastProbeAt = readTime(state.get("LastProbeAt"));
    return {
      status,
      failingStreak: state.get("FailingStreak").integer({ min: 0 }) ?? 0,
      ...(lastProbeAt === undefined ? {} : { lastProbeAt: new Date(lastProbeAt) }),
    };
  });
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

/** Another program's label may hold anything: what cannot be read says nothing. */
function readLabel<T>(labels: Labels, name: string, read: (field: JsonField) => T): T | undefined {
  const text = labels[name];
  if (text === undefined || text === "") return undefined;
  try {
    return read(parseJson(`label "${name}"`, text));
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
