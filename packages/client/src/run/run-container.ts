import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Container } from "@slipway/core/containers";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import { readImage } from "@slipway/images/image-config";
import { formatReference, parseFamiliarReference } from "@slipway/oci/reference";
import type { Client } from "../connect/client.ts";
import { ensureUnpacked } from "../images/ensure-unpacked.ts";
import { leased } from "../leases/leased.ts";
import { containerSpec, type ContainerSpecOptions } from "../spec/container-spec.ts";
import { withMounted } from "../spec/mounted.ts";
import { hostNetworkMounts } from "../spec/mounts.ts";
import { specAny } from "../spec/spec-any.ts";
import { resolveUser } from "../spec/user.ts";
import { Stdio } from "../tasks/stdio.ts";
import { removeContainer, RunningContainer } from "./running-container.ts";

type FixedOptions = "id" | "namespace" | "image" | "user" | "rootfsPath" | "unifiedCgroups";

export interface RunOptions extends Omit<ContainerSpecOptions, FixedOptions> {
  /** Made up unless told. */
  readonly id?: string;
  /** `name`, `uid`, `name:group` or `uid:gid`; the image's unless told. */
  readonly user?: string;
  /** `none` unless told: only its own loopback device. */
  readonly network?: "none" | "host";
  /** Whether the process is given input; without it, it reads nothing. */
  readonly stdin?: boolean;
  readonly labels?: Labels;
  /** `io.containerd.runc.v2` unless told. */
  readonly runtime?: string;
  /** `overlayfs` unless told. */
  readonly snapshotter?: string;
}

/**
 * Runs a program in a new container of an image that the daemon has (`pull` brings it), on the daemon's machine.
 *
 * @example
 * await using container = await runContainer(client, "docker.io/library/busybox:latest", { args: ["sleep", "100"] });
 * const { exitCode, stdout } = await (await container.exec(["uname", "-r"])).output();
 * @throws {Fault} `not_found` for an image that is not there; what the runtime says when the program cannot run
 */
export async function runContainer(
  client: Client,
  image: string,
  options: RunOptions = {},
): Promise<RunningContainer> {
  const { terminal = false, stdin = false } = options;
  // Nothing else holds the snapshot until the container names it.
  await using held = await leased(client);
  const { container, rootfs } = await createContainer(held.client, image, options);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => removeContainer(client, container));
  const stdio = undo.use(Stdio.open({ terminal, stdin }));
  await client.tasks.create(container.id, { rootfs, io: stdio.io });
  const pid = await client.tasks.start({ containerId: container.id });
  undo.move();
  return new RunningContainer(client, container, stdio, pid);
}

async function createContainer(
  client: Client,
  reference: string,
  options: RunOptions,
): Promise<{ container: Container; rootfs: readonly Mount[] }> {
  const { snapshotter = "overlayfs", labels = {}, runtime = "io.containerd.runc.v2" } = options;
  const id = options.id ?? randomBytes(32).toString("hex");
  const image = await client.images.get(formatReference(parseFamiliarReference(reference)));
  const content = await readImage(client.content, image.target);
  await ensureUnpacked(client, snapshotter, content);
  const snapshots = client.snapshotter(snapshotter);
  const rootfs = await snapshots.prepare(id, content.chainId);
  try {
    const { config } = content;
    const user = withMounted(rootfs, (root) => resolveUser(options.user ?? config.config?.User ?? "", root));
    const isShared = options.network === "host";
    const spec = containerSpec({
      ...options,
      id,
      namespace: client.namespace,
      image: config,
      user,
      mounts: [...(isShared ? hostNetworkMounts() : []), ...(options.mounts ?? [])],
      sharedNamespaces: [...(options.sharedNamespaces ?? []), ...(isShared ? (["network"] as const) : [])],
      unifiedCgroups: existsSync("/sys/fs/cgroup/cgroup.controllers"),
    });
    const container = await client.containers.create({
      id,
      labels,
      image: image.name,
      runtime: { name: runtime },
      spec: specAny("Spec", spec),
      snapshotter,
      snapshotKey: id,
      extensions: {},
      sandboxId: "",
    });
    return { container, rootfs };
  } catch (error) {
    await snapshots.remove(id);
    throw error;
  }
}
