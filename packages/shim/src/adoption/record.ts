import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonField, parseJson } from "@slipway/oci/documents/json-field";
import { isSystemError } from "@slipway/linux/system-call";
import type { Container } from "../container.ts";
import type { TaskProcess } from "../process.ts";
import type { Shim } from "../shim.ts";
import type { StdioPaths } from "../stdio/stdio.ts";

/** What another shim must know of a process to answer for it. */
export interface ProcessRecord {
  readonly pid: number;
  /** proc_pid_stat(5): a pid alone may be another process's by then. */
  readonly startTime: number;
  readonly status: "created" | "running" | "paused";
  readonly io: StdioPaths;
  /** Whether the client has closed the input. */
  readonly isInputClosed?: boolean;
  readonly exit?: {
    readonly exitCode: number;
    readonly exitedAt: string;
    /** Whether the daemon has the event. */
    readonly isTold: boolean;
  };
}

/** What another shim must know of a container: beside the runtime's record and config.json in its bundle. */
export interface TaskRecord {
  readonly rootfs: string;
  readonly init: ProcessRecord;
  readonly execs: Readonly<Record<string, ProcessRecord>>;
}

const FILE = "slipway-task.json";

/** Writes down what is, so that the container outlives this process. A bundle is in memory (/run): the call is short. */
export function saveTask(shim: Shim, container: Container): void {
  // Its successor of the same name must not inherit it.
  if (shim.containers.get(container.id) !== container) return;
  const init = recordOf(container.init);
  if (!init) return;
  const execs: Record<string, ProcessRecord> = {};
  for (const exec of container.execs.values()) {
    const record = recordOf(exec);
    if (record) execs[exec.id] = record;
  }
  const record: TaskRecord = { rootfs: container.rootfs, init, execs };
  const path = join(container.bundle, FILE);
  try {
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    // The daemon has taken the bundle away already.
    if (!isSystemError(error, "ENOENT")) throw error;
  }
}

/** What an earlier shim wrote last; undefined if it had not created the container yet, or the file cannot be read. */
export function readTask(bundle: string): TaskRecord | undefined {
  try {
    const record = parseJson(`"${FILE}"`, readFileSync(join(bundle, FILE)), { maxBytes: Infinity });
    return {
      rootfs: record.get("rootfs").required().text() ?? "",
      init: readProcess(record.get("init").required()),
      execs: record.get("execs").record(readProcess),
    };
  } catch {
    return undefined;
  }
}

const statuses = ["created", "running", "paused"] as const;

function readProcess(field: JsonField): ProcessRecord {
  const status = statuses.find((one) => one === field.get("status").text());
  if (!status) throw field.get("status").unexpected("the status of a process");
  const io = field.get("io").required();
  const path = (name: string): string => io.get(name).text() ?? "";
  const isInputClosed = field.get("isInputClosed").boolean();
  const exit = field.get("exit");
  return {
    // Of a wrong number, another process would be taken for the container's.
    pid: field.get("pid").required().integer({ min: 1 }) ?? 0,
    startTime: field.get("startTime").required().number() ?? 0,
    status,
    io: {
      stdin: path("stdin"),
      stdout: path("stdout"),
      stderr: path("stderr"),
      terminal: io.get("terminal").boolean() ?? false,
    },
    ...(isInputClosed === undefined ? {} : { isInputClosed }),
    ...(exit.isMissing ? {} : { exit: readExit(exit) }),
  };
}

function readExit(field: JsonField): NonNullable<ProcessRecord["exit"]> {
  const exitedAt = field.get("exitedAt").required().text() ?? "";
  if (Number.isNaN(Date.parse(exitedAt))) throw field.get("exitedAt").unexpected("a time");
  return {
    exitCode: field.get("exitCode").required().integer() ?? 0,
    exitedAt,
    isTold: field.get("isTold").boolean() ?? false,
  };
}

function recordOf(process: TaskProcess): ProcessRecord | undefined {
  const { state, paths, startTime, isExitTold, isInputClosed } = process;
  // A pid comes with the first start; an exec that was only added is its client's to add again.
  if (state.status === "added" || state.pid === 0) return undefined;
  const { stdin, stdout, stderr, terminal } = paths;
  const io = { stdin, stdout, stderr, terminal };
  const common = { pid: state.pid, startTime, io, ...(isInputClosed ? { isInputClosed } : {}) };
  switch (state.status) {
    case "stopped": {
      const { exitCode, exitedAt } = state.exit;
      const exit = { exitCode, exitedAt: exitedAt.toISOString(), isTold: isExitTold };
      return { ...common, status: "running", exit };
    }
    case "pausing":
      return { ...common, status: "running" };
    default:
      return { ...common, status: state.status };
  }
}
