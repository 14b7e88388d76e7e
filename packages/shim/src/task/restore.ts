import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Container } from "../container.ts";
import { readRuntimeRecord } from "../bundle.ts";
import { criuOptions } from "../criu/options.ts";
import { readStreams } from "../criu/outside-streams.ts";
import { readPidFile } from "../runtime/oci-runtime.ts";
import type { Shim } from "../shim.ts";
import { openStreams } from "../stdio/streams.ts";
import { initExited } from "./exit.ts";
import { watchOom } from "./oom.ts";

/** Starts a container from a checkpoint (criu). */
export async function restoreTask(
  shim: Shim,
  container: Container,
  from: { readonly checkpoint: string; readonly parent: string },
): Promise<void> {
  const record = readRuntimeRecord(container.bundle);
  const pidFile = join(container.bundle, "init.pid");
  const work = record?.criuWorkPath || join(container.bundle, "work");
  mkdirSync(work, { recursive: true, mode: 0o700 });
  const args = ["restore", "--image-path", from.checkpoint, "--work-path", work, "--pid-file", pidFile];
  if (from.parent !== "") args.push("--parent-path", from.parent);
  args.push("--detach", "--bundle", container.bundle);
  // crun has no such flags: it never is a subreaper, and criu mounts the root.
  if (basename(container.runtime.options.binary) !== "crun") {
    args.push("--no-subreaper");
    if (record?.noPivotRoot) args.push("--no-pivot");
  }
  using _early = shim.reaper.beginning();
  // The streams that criu itself has are the container's.
  using told = criuOptions(
    container.bundle,
    readStreams(from.checkpoint).map(({ fd, key }) => `inherit-fd fd[${fd}]:${key}`),
  );
  const { env } = told;
  container.init.streams = await openStreams(
    container.init.paths,
    container.streamsOf("", shim.options.namespace),
    (stdio, extra, said) =>
      container.runtime.run("OCI runtime restore failed", [...args, ...extra, container.id], {
        stdio,
        said,
        env,
      }),
  );
  const pid = readPidFile(pidFile);
  container.init.state = { status: "created", pid };
  container.stopOomWatch = watchOom(shim, container, pid);
  shim.reaper.watch(pid, (exit) => void initExited(shim, container, exit));
}
