import { hostPlatform } from "@slipway/oci/platform";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Container } from "@slipway/core/containers";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import type { CreateTaskOptions } from "@slipway/core/tasks";
import { readImage } from "@slipway/images/image-config";
import type { MountSpec } from "@slipway/oci/runtime-spec";
import type { Client } from "../connect/client.ts";
import { ensureUnpacked } from "../images/ensure-unpacked.ts";
import { findImage } from "../images/find-images.ts";
import { leased } from "../leases/leased.ts";
import { containerSpec, type ContainerSpecOptions } from "../spec/container-spec.ts";
import { mountReadOnly } from "../spec/mounted.ts";
import { makeEtcFiles } from "../etc-files/etc-files.ts";
import { hostnameOf } from "../etc-files/hostname.ts";
import { containerMounts } from "../mounts/container-mounts.ts";
import { parseTarget, type PlainRequest } from "../mounts/mount-request.ts";
import { Creation } from "../own-files/creation.ts";
import { directoryLabel, hostDirectories } from "../own-files/host-directories.ts";
import { type Environment, environmentList } from "../spec/environment.ts";
import { specAny } from "../spec/spec-any.ts";
import { resolveUser } from "../spec/user.ts";
import { Stdio } from "../tasks/stdio.ts";
import { removeContainer, RunningContainer } from "./running-container.ts";
import { startFailure } from "./start-failure.ts";

type FixedOptions = "id" | "namespace" | "image" | "user" | "env" | "rootfsPath" | "unifiedCgroups";

export interface RunOptions extends Omit<ContainerSpecOptions, FixedOptions> {
  /** Made up unless told. */
  readonly id?: string;
  /** `name`, `uid`, `name:group` or `uid:gid`; the default is the image's. */
  readonly user?: string;
  /** Over the image's. */
  readonly env?: Environment;
  /** `none` unless told: only its own loopback device. */
  readonly network?: "none" | "host";
  /** Whether the process is given input; without it, it reads nothing. */
  readonly stdin?: boolean;
  readonly labels?: Labels;
  /** `io.containerd.runc.v2` unless told. */
  readonly runtime?: string;
  /** `overlayfs` unless told. */
  readonly snapshotter?: string;
  /** Aborted: the call rejects with the signal's reason, and what was made is removed. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a program in a new container of an image that the daemon has (`pull` brings it), on the daemon's machine.
 *
 * @example
 * await using container = await runContainer(client, "docker.io/library/busybox:latest", { args: ["sleep", "100"] });
 * const { exitCode, stdout } = await (await container.exec(["uname", "-r"])).output();
 * @throws {Fault} `not_found` for an image that the daemon does not have, and for a program that the container does not
 * have; `permission_denied` for a program that may not be executed, `failed_precondition` for one of another machine;
 * `invalid_argument` for a wrong option; `already_exists` for an id in use
 */
export async function runContainer(
  client: Client,
  image: string,
  options: RunOptions = {},
): Promise<RunningContainer> {
  const { terminal = false, stdin = false, signal } = options;
  signal?.throwIfAborted();
  // Nothing else holds the snapshot until the container names it.
  await using held = await leased(client);
  const { container, rootfs } = await createContainer(held.client, image, options);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => removeContainer(client, container));
  const stdio = undo.use(Stdio.open({ terminal, stdin }));
  signal?.throwIfAborted();
  const pid = await startTask(client, container.id, { rootfs, io: stdio.io }, signal);
  undo.move();
  return new RunningContainer(client, container, stdio, pid);
}

/** Whoever aborts between the calls has them end first: the task's removal needs to know what there is. */
async function startTask(
  client: Client,
  id: string,
  options: CreateTaskOptions,
  signal: AbortSignal | undefined,
): Promise<number> {
  try {
    await client.tasks.create(id, options);
    signal?.throwIfAborted();
    const pid = await client.tasks.start({ containerId: id });
    signal?.throwIfAborted();
    return pid;
  } catch (error) {
    throw startFailure(error);
  }
}

async function createContainer(
  client: Client,
  reference: string,
  options: RunOptions,
): Promise<{ container: Container; rootfs: readonly Mount[] }> {
  const { snapshotter = "overlayfs", labels = {}, runtime = "io.containerd.runc.v2" } = options;
  const id = options.id ?? randomBytes(32).toString("hex");
  const image = await findImage(client, reference);
  const content = await readImage(client.content, image.target, hostPlatform(), image.name);
  await ensureUnpacked(client, snapshotter, content);
  const directories = hostDirectories(client.address, client.namespace);
  await using creation = await Creation.begin(directories, id, client.containers);
  await using undo = new AsyncDisposableStack();
  const snapshots = client.snapshotter(snapshotter);
  const mounts = await snapshots.prepare(id, content.chainId);
  undo.defer(() => snapshots.remove(id));
  using rootfs = mountReadOnly(mounts);
  const { config } = content;
  const { network = "none", readOnly = false, env = [], ...further } = options;
  const isShared = network === "host";
  const sharesHost = isShared || options.setsHostname === false;
  const hostname = hostnameOf({ id, name: options.hostname, sharesHost });
  using own = await containerMounts({
    directories,
    creation,
    image: config,
    rootfs: rootfs.path,
    requested: (options.mounts ?? []).map(plainRequest),
    given: makeEtcFiles(creation.directory(), { hostname, network, readOnly }),
  });
  const spec = containerSpec({
    ...further,
    env: environmentList(env),
    id,
    namespace: client.namespace,
    image: config,
    user: resolveUser(options.user ?? config.config?.User ?? "", rootfs.path),
    hostname,
    readOnly,
    mounts: own.mounts,
    sharedNamespaces: [...(options.sharedNamespaces ?? []), ...(isShared ? (["network"] as const) : [])],
    unifiedCgroups: existsSync("/sys/fs/cgroup/cgroup.controllers"),
  });
  const container = await client.containers.create({
    id,
    labels: { ...labels, [directoryLabel]: directories.container(id) },
    image: image.name,
    runtime: { name: runtime },
    spec: specAny("Spec", spec),
    snapshotter,
    snapshotKey: id,
    extensions: {},
    sandboxId: "",
  });
  creation.finish();
  undo.move();
  return { container, rootfs: mounts };
}

function plainRequest(mount: MountSpec): PlainRequest {
  const target = parseTarget(mount.destination);
  return { type: "plain", target, mount: { ...mount, destination: target } };
}
