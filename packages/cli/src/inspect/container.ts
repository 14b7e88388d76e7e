import type { Client } from "@slipway/client/client";
import type { Container } from "@slipway/core/containers";
import { parseRestartPolicy, restartCount, restartLabel } from "@slipway/core/restart";
import type { ProcessState } from "@slipway/core/tasks";
import type { RuntimeSpec } from "@slipway/oci/runtime-spec";
import { isReadOnly, mountsOfContainer, propagationOf } from "../containers/container-mounts.ts";
import { networksOf } from "../containers/filter.ts";
import { nameLabel } from "../containers/find.ts";
import { isEtcFile } from "@slipway/client/etc-files";
import { ownDirectory } from "@slipway/client/host-directories";
import { specOf } from "@slipway/client/spec-any";
import { taskOf } from "../containers/state.ts";
import { stopSignalLabel } from "../lifecycle/stop-signal.ts";
import { inspectHealthcheck } from "./health.ts";
import { inspectState, startedAt } from "./state.ts";

/** A container in the words of `docker inspect`, or as containerd has it. */
export async function inspectContainer(
  client: Client,
  container: Container,
  native: boolean,
): Promise<Record<string, unknown>> {
  const task = await taskOf(client, container.id);
  const spec = specOf(container);
  if (native) return { ...container, spec, task };
  return dockerContainer(container, spec, task, await startedAt(client, container, task));
}

function dockerContainer(
  container: Container,
  spec: RuntimeSpec,
  task: ProcessState | undefined,
  startedAt: Date | undefined,
): Record<string, unknown> {
  const { id, labels } = container;
  const [path = "", ...args] = spec.process.args;
  const { memory, cpu, pids } = spec.linux.resources;
  const period = cpu?.period ?? 0;
  const mounts = mountsOfContainer(container);
  return {
    Id: id,
    Created: container.createdAt.toISOString(),
    Path: path,
    Args: args,
    State: inspectState(container, task, startedAt),
    Image: container.image,
    Name: labels[nameLabel] ?? "",
    RestartCount: restartCount(labels),
    LogPath: logPath(container),
    ...etcPaths(container, spec),
    Driver: container.snapshotter,
    Platform: "linux",
    HostConfig: {
      Memory: memory?.limit ?? 0,
      NanoCpus: cpu?.quota && period > 0 ? Math.round((cpu.quota / period) * 1e9) : 0,
      CpuShares: cpu?.shares ?? 0,
      CpusetCpus: cpu?.cpus ?? "",
      PidsLimit: pids?.limit ?? 0,
      Binds: mounts.map(
        (mount) => `${mount.name ?? mount.source}:${mount.target}${isReadOnly(mount) ? ":ro" : ""}`,
      ),
      ReadonlyRootfs: spec.root.readonly ?? false,
      Privileged: labels["nerdctl/privileged"] === "true",
      AutoRemove: labels["nerdctl/auto-remove"] === "true",
      NetworkMode: networksOf(container)[0] ?? "",
      RestartPolicy: restartPolicyOf(labels),
      Runtime: container.runtime.name,
    },
    Mounts: mounts.map((mount) => ({
      Type: mount.name === undefined ? "bind" : "volume",
      ...(mount.name === undefined ? {} : { Name: mount.name, Driver: "local" }),
      Source: mount.source,
      Destination: mount.target,
      Mode: isReadOnly(mount) ? "ro" : "rw",
      RW: !isReadOnly(mount),
      Propagation: propagationOf(mount),
    })),
    Config: {
      Hostname: spec.hostname ?? "",
      User: labels["nerdctl/user"] ?? "",
      Tty: spec.process.terminal ?? false,
      Env: spec.process.env,
      Cmd: spec.process.args,
      Image: container.image,
      WorkingDir: spec.process.cwd,
      Labels: labels,
      ...inspectHealthcheck(labels),
      StopSignal: labels[stopSignalLabel] || "SIGTERM",
    },
    NetworkSettings: { Networks: {}, Ports: {} },
  };
}

function restartPolicyOf(labels: Container["labels"]): { Name: string; MaximumRetryCount: number } {
  const text = labels[restartLabel.policy];
  if (text === undefined) return { Name: "no", MaximumRetryCount: 0 };
  const { name, maxRetries } = parseRestartPolicy(text);
  return { Name: name, MaximumRetryCount: maxRetries === Infinity ? 0 : maxRetries };
}

function logPath({ id, labels }: Container): string {
  const folder = labels["nerdctl/state-dir"];
  return folder === undefined || labels["nerdctl/log-uri"] === undefined ? "" : `${folder}/${id}-json.log`;
}

/** Where the container's own files of /etc are on this machine. */
function etcPaths(container: Container, { mounts }: RuntimeSpec): Record<string, string> {
  const directory = ownDirectory(container);
  const sourceOf = (target: string): string =>
    mounts.find((mount) => mount.destination === target && isEtcFile(directory, mount))?.source ?? "";
  return {
    HostnamePath: sourceOf("/etc/hostname"),
    HostsPath: sourceOf("/etc/hosts"),
    ResolvConfPath: sourceOf("/etc/resolv.conf"),
  };
}
