import { basename, dirname, join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeleteResponseSchema } from "@slipway/api/containerd/task/v3/task_pb";
import { messageOf } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { MNT } from "@slipway/linux/mount-flags";
import { unmountAll } from "@slipway/linux/mount";
import { toTimestamp } from "@slipway/rpc/timestamp";
import { DEFAULT_RUNTIME_ROOT, readRuntimeRecord, runtimeRecord } from "../bundle.ts";
import type { Flags } from "../flags.ts";
import { Reaper } from "../reaper.ts";
import { OciRuntime, readPidFile } from "../runtime/oci-runtime.ts";

/** Cleans up a container whose shim is dead: its processes, the runtime's state, its mounts. */
export async function deleteDead(flags: Flags): Promise<void> {
  const cwd = process.cwd();
  const bundle = flags.bundle || (basename(cwd) === flags.id ? cwd : join(dirname(cwd), flags.id));
  const record = readRuntimeRecord(bundle) ?? runtimeRecord(undefined, flags.namespace, DEFAULT_RUNTIME_ROOT);
  const runtime = new OciRuntime(record, bundle, new Reaper());
  const attempt = (what: string, error: unknown): void => {
    process.stderr.write(`${what}: ${messageOf(error)}\n`);
  };
  await runtime
    .run("failed to remove runc container", ["delete", "--force", flags.id])
    .catch((error: unknown) => attempt("cleanup", error));
  try {
    unmountAll(join(bundle, "rootfs"), MNT.DETACH);
  } catch (error) {
    attempt("failed to cleanup rootfs mount", error);
  }
  const response = create(DeleteResponseSchema, {
    exitedAt: toTimestamp(now()),
    exitStatus: 128 + SIGKILL,
    pid: pidOf(bundle),
  });
  process.stdout.write(toBinary(DeleteResponseSchema, response));
}
const SIGKILL = 9;

function pidOf(bundle: string): number {
  try {
    return readPidFile(join(bundle, "init.pid"));
  } catch {
    return 0;
  }
}
