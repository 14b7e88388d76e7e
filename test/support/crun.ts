import { readFileSync } from "node:fs";
import { readMountInfo } from "@slipway/linux/mountinfo";

/** crun runs nowhere where both versions of cgroups have controllers. */
export function isRefusedByCrun(): boolean {
  const mounts = readMountInfo();
  if (!mounts.some(({ type }) => type === "cgroup")) return false;
  const unified = mounts.filter(({ type }) => type === "cgroup2").map(({ mountPoint }) => mountPoint);
  return unified.some((path) => readFileSync(`${path}/cgroup.controllers`, "utf8").trim() !== "");
}
