import { readFileSync } from "node:fs";
import { readMountInfo } from "@slipway/linux/mountinfo";
import type { TestDaemon } from "./daemon.ts";
import { makeRootfs } from "./images.ts";
import { output, type Result } from "./run.ts";

/** crun runs nowhere where both versions of cgroups have controllers. */
export function isRefusedByCrun(): boolean {
  const mounts = readMountInfo();
  if (!mounts.some(({ type }) => type === "cgroup")) return false;
  const unified = mounts.filter(({ type }) => type === "cgroup2").map(({ mountPoint }) => mountPoint);
  return unified.some((path) => readFileSync(`${path}/cgroup.controllers`, "utf8").trim() !== "");
}

/** Has crun run a container `box`, and tries to make a checkpoint `one` of it. @returns where it would be, too */
export async function tryCheckpointByCrun(daemon: TestDaemon): Promise<Result & { readonly folder: string }> {
  const rootfs = makeRootfs(daemon.folder.join("rootfs"));
  const flags = ["-d", "--runc-binary", "crun", "--rootfs", rootfs];
  await output("ctr", ["-a", daemon.address, "run", ...flags, "box", "/bin/sleep", "1000"]);
  const folder = daemon.folder.join("checkpoints");
  const create = ["checkpoint", "create", "--checkpoint-dir", folder, "box", "one"];
  return { ...(await daemon.slipway(create)), folder };
}
