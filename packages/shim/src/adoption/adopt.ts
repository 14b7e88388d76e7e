import { existsSync } from "node:fs";
import { join } from "node:path";
import { now, parseDate } from "@slipway/fault/precise-date";
import { pidfdExitStatus, pidfdOpen } from "@slipway/linux/pidfd";
import { readProcessStat } from "@slipway/linux/process-stat";
import { isSystemError, onReadable } from "@slipway/linux/system-call";
import { readBundleConfig } from "../bundle-config.ts";
import { readRuntimeRecord } from "../bundle.ts";
import { Container } from "../container.ts";
import { TaskProcess } from "../process.ts";
import type { Exit } from "../reaper.ts";
import { OciRuntime } from "../runtime/oci-runtime.ts";
import type { Shim } from "../shim.ts";
import { adoptStdio } from "../stdio/adopt-stdio.ts";
import { execExited, initExited, publishExit } from "../task/exit.ts";
import { watchOom } from "../task/oom.ts";
import { type ProcessRecord, readTask, saveTask } from "./record.ts";

/**
 * Takes over a container whose shim was killed: its processes are init's children now, so that a pidfd tells their end.
 * Nothing happens when that shim had not created it yet. A terminal is lost: its master died with the shim.
 */
export async function adoptTask(shim: Shim, id: string, bundle: string): Promise<void> {
  const record = readTask(bundle);
  const options = readRuntimeRecord(bundle);
  if (!record || !options) return;
  const config = readBundleConfig(bundle);
  const runtime = new OciRuntime(options, bundle, shim.reaper);
  const init = new TaskProcess(id, record.init.io);
  const { ioOwner } = options;
  const container = new Container({ id, bundle, config, runtime, init, rootfs: record.rootfs, ioOwner });
  shim.containers.set(id, container);

  for (const [execId, execRecord] of Object.entries(record.execs)) {
    const exec = new TaskProcess(execId, execRecord.io);
    container.execs.set(execId, exec);
    if (!execRecord.exit) container.execStarted(exec);
    await adoptProcess(shim, container, exec, execRecord, (exit) => execExited(shim, container, exec, exit));
  }
  const wasReleased = !existsSync(join(options.root, id, "exec.fifo"));
  const status = record.init.status === "created" && wasReleased ? "running" : record.init.status;
  const isRunning = await adoptProcess(shim, container, init, { ...record.init, status }, (exit) => {
    void initExited(shim, container, exit);
  });
  if (isRunning) container.stopOomWatch = watchOom(shim, container, init.pid);
  saveTask(shim, container);
}

/** False when the process has ended. */
async function adoptProcess(
  shim: Shim,
  container: Container,
  process: TaskProcess,
  record: ProcessRecord,
  onExit: (exit: Exit) => void,
): Promise<boolean> {
  const { pid, startTime, status, io, isInputClosed = false, exit } = record;
  process.state = { status, pid };
  process.startTime = startTime;
  if (exit) {
    process.stopped({ exitCode: exit.exitCode, exitedAt: parseDate(exit.exitedAt) });
    if (exit.isTold) process.exitTold();
    else publishExit(shim, container, process);
    return false;
  }
  const errorsFifo = container.errorsFifo(process === container.init ? "" : process.id);
  if (!io.terminal)
    process.streams = { stdio: await adoptStdio(io, { id: process.id, errorsFifo, isInputClosed }) };
  if (isInputClosed) process.closeStdin();
  const pidfd = openProcess(pid, startTime);
  if (pidfd === undefined) {
    queueMicrotask(() => onExit(unknownExit(container, process)));
    return false;
  }
  process.pidfd = pidfd;
  const stop = onReadable(pidfd, () => {
    stop();
    const ended = pidfdExitStatus(pidfd, pid);
    onExit(ended ? { ...ended, exitedAt: now() } : unknownExit(container, process));
  });
  return true;
}

/** Undefined when that process is gone, even if its pid is another's by now. */
function openProcess(pid: number, startTime: number): number | undefined {
  let pidfd: number;
  try {
    pidfd = pidfdOpen(pid);
  } catch (error) {
    if (isSystemError(error, "ESRCH")) return undefined;
    throw error;
  }
  // The descriptor stays this process's: what is true of the pid now is true of it.
  return readProcessStat(pid)?.startTime === startTime ? pidfd : undefined;
}

function unknownExit(container: Container, { id, pid }: TaskProcess): Exit {
  process.stderr.write(
    `container ${container.id}: process ${pid} (${id}) ended while no shim was there: its exit status is unknown\n`,
  );
  return { exitCode: UNKNOWN, exitedAt: now() };
}
/** containerd's own exit status for "not known". */
const UNKNOWN = 255;
