import { Fault } from "@slipway/fault/fault";
import { anyCount, integerIn, readInteger } from "@slipway/fault/read-number";
import type { Labels } from "../labels.ts";
import type { ProcessState } from "../tasks/tasks.ts";

/** The labels of containerd's restart monitor (its core/runtime/restart), by which containers are kept running. */
export const restartLabel = {
  /** What the task should be: `running` or `stopped`. A container without it is left alone. */
  status: "containerd.io/restart.status",
  policy: "containerd.io/restart.policy",
  /** How often it was started again. */
  count: "containerd.io/restart.count",
  /** Where the task's output goes: a log URI. */
  logUri: "containerd.io/restart.loguri",
  explicitlyStopped: "containerd.io/restart.explicitly-stopped",
} as const;

export interface RestartPolicy {
  readonly name: "no" | "always" | "on-failure" | "unless-stopped";
  /** Of `on-failure`; Infinity unless told. */
  readonly maxRetries: number;
}

/**
 * `no`, `always`, `unless-stopped`, `on-failure[:times]`. Nothing means `always`, as containerd has it.
 * @throws {Fault} `invalid_argument`
 */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [, name, times] = /^(no|always|unless-stopped|on-failure)?(?::(\d+))?$/.exec(text) ?? [];
  if ((name === undefined && text !== "") || (times !== undefined && name !== "on-failure")) {
    throw new Fault("invalid_argument", `Cannot use restart policy "${text}": it is not known`);
  }
  const count = times === undefined ? 0 : readInteger("the count of a restart policy", times, anyCount);
  return { name: (name ?? "always") as RestartPolicy["name"], maxRetries: count === 0 ? Infinity : count };
}

/** Whether somebody stopped the container, who wants it to stay so. Clients write `false` when they start one. */
export function isExplicitlyStopped(labels: Labels): boolean {
  return labels[restartLabel.explicitlyStopped] === "true";
}

/** How often a container was started again. */
export function restartCount(labels: Labels): number {
  return integerIn(labels[restartLabel.count] ?? "", anyCount) ?? 0;
}

/** When a container's state is looked at. */
export type RestartOccasion =
  /** The daemon has just started: after a reboot, `always` undoes an explicit stop, as Docker has it. */
  "daemon start" | "change";

/**
 * What is to be done with a container's task, by its labels. A task that somebody has created and not started, or
 * paused, is left to them. `task` is missing after a reboot, or when somebody removed it; then nobody knows whether it
 * failed.
 * @throws {Fault} `invalid_argument` for a policy that does not exist
 */
export function restartDecision(
  labels: Labels,
  task: Pick<ProcessState, "status" | "exit"> | undefined,
  occasion: RestartOccasion = "change",
): "start" | "stop" | "nothing" {
  const desired = labels[restartLabel.status];
  if (desired === "stopped") return task && task.status !== "stopped" ? "stop" : "nothing";
  if (desired !== "running" || (task && task.status !== "stopped")) return "nothing";
  const policy = parseRestartPolicy(labels[restartLabel.policy] ?? "");
  const isStopped = isExplicitlyStopped(labels);
  switch (policy.name) {
    case "no":
      return "nothing";
    case "always":
      return isStopped && occasion === "change" ? "nothing" : "start";
    case "unless-stopped":
      return isStopped ? "nothing" : "start";
    case "on-failure": {
      const failed = (task?.exit?.exitStatus ?? 0) !== 0;
      return failed && !isStopped && restartCount(labels) < policy.maxRetries ? "start" : "nothing";
    }
  }
}
