import type { Client } from "@slipway/client/client";
import { containerMounts } from "@slipway/client/container-mounts";
import { containerSpec } from "@slipway/client/container-spec";
import { Creation } from "@slipway/client/creation";
import { makeEtcFiles } from "@slipway/client/etc-files";
import { hostDirectories } from "@slipway/client/host-directories";
import { hostnameOf } from "@slipway/client/hostname";
import { leased } from "@slipway/client/leased";
import { specAny } from "@slipway/client/spec-any";
import { resolveGroups, resolveUser } from "@slipway/client/user";
import type { Any } from "@slipway/core/any";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import { Fault } from "@slipway/fault/fault";
import type { UserSpec } from "@slipway/oci/runtime-spec";
import type { Globals } from "../cli.ts";
import { isSlipwayd } from "../daemon/is-slipwayd.ts";
import type { ReadyImage } from "../images/ensure-image.ts";
import { newLogUri } from "../logs/log-target.ts";
import { checkFlags } from "./check-flags.ts";
import { etcOptions } from "./etc-flags.ts";
import { flagOptions } from "./flag-options.ts";
import type { RunFlags, RunRequest } from "./flags.ts";
import { checkIdFile, writeIdFile } from "./id-file.ts";
import { withInit } from "./init.ts";
import { containerLabels, userLabels } from "./labels.ts";
import { flagMounts } from "./mounts/flag-mounts.ts";
import { keepName, newId, newName, refuseTakenName } from "./names.ts";
import { type Base, folderBase, imageBase, mountedBase } from "./rootfs-base.ts";

/** A container that was created and has no task yet. */
export interface CreatedContainer {
  readonly id: string;
  readonly labels: Labels;
  readonly spec: Any;
  readonly terminal: boolean;
  /** Empty without a snapshot; the snapshot's key is the id. */
  readonly snapshotter: string;
  /** What the task's root file system is mounted from; empty if the spec names a directory. */
  readonly rootfs: readonly Mount[];
}

/** What the flags say, read and checked before anything is pulled or created. */
interface Wanted {
  readonly request: RunRequest;
  readonly flags: RunFlags;
  readonly options: ReturnType<typeof flagOptions>;
  readonly labels: Labels;
  readonly mounts: ReturnType<typeof flagMounts>;
  readonly etc: ReturnType<typeof etcOptions>;
}

/**
 * Creates the container that the flags describe. If that fails, nothing of it stays. `onBegin` is called before there is
 * something that could: a pull may take long before that.
 */
export async function createContainer(
  unleased: Client,
  globals: Globals,
  request: RunRequest,
  flags: RunFlags,
  onBegin: () => void = () => {},
): Promise<CreatedContainer> {
  checkFlags(flags);
  const wanted = {
    request,
    flags,
    options: flagOptions(flags),
    labels: userLabels(flags),
    mounts: flagMounts(flags),
    etc: etcOptions(flags),
  };
  // Until the container names its snapshot, nothing else holds it.
  await using held = await leased(unleased);
  const { client } = held;
  await refuseTaken(client, flags);
  const isOurs = await isSlipwayd(client);
  if (flags.rm && flags.detach && !isOurs) {
    throw new Fault(
      "unimplemented",
      "Cannot use --rm with --detach: only slipwayd removes containers that end",
    );
  }
  const ready = flags.rootfs ? undefined : await readyImage(client, globals, request.image, flags);
  onBegin();
  return await createFrom(client, globals, wanted, ready, isOurs);
}

async function createFrom(
  client: Client,
  globals: Globals,
  wanted: Wanted,
  ready: ReadyImage | undefined,
  isOurs: boolean,
): Promise<CreatedContainer> {
  const { flags, request } = wanted;
  const id = newId();
  const directories = hostDirectories(globals.address, globals.namespace);
  await using creation = await Creation.begin(directories, id, client.containers);
  await using undo = new AsyncDisposableStack();
  const base = ready ? await imageBase(client, globals, id, ready) : folderBase(id, request.image);
  undo.defer(() => base.undo());
  using rootfs = mountedBase(base);
  const { network, uts, hostname: name } = flags;
  const hostname = hostnameOf({ id, name, sharesHost: network === "host" || uts === "host" });
  const { requested, given } = wanted.mounts;
  using own = await containerMounts({
    directories,
    creation,
    rootfs: rootfs.path,
    requested,
    // A directory in an image's place is the user's own: no files are to appear in it.
    given: [
      ...given,
      ...(flags.rootfs ? [] : makeEtcFiles(creation.directory(), { ...wanted.etc, hostname })),
    ],
    ...(base.config ? { image: base.config } : {}),
  });
  const plain = containerSpec({
    ...wanted.options,
    id,
    namespace: globals.namespace,
    ...(base.config ? { image: base.config } : {}),
    args: request.command,
    user: userOf(flags, base, rootfs.path),
    hostname,
    mounts: own.mounts,
    ...(base.rootfsPath === undefined ? {} : { rootfsPath: base.rootfsPath }),
  });
  const spec = specAny("Spec", withInit(plain, flags));
  const created = await store(client, globals, { wanted, base, id, spec, hostname, isOurs });
  creation.finish();
  undo.move();
  return created;
}

interface NewContainer {
  readonly wanted: Wanted;
  readonly base: Base;
  readonly id: string;
  readonly spec: Any;
  readonly hostname: string;
  readonly isOurs: boolean;
}

async function store(
  client: Client,
  globals: Globals,
  { wanted, base, id, spec, hostname, isOurs }: NewContainer,
): Promise<CreatedContainer> {
  const { flags, request } = wanted;
  const { snapshotter, rootfs, config } = base;
  const runtime = flags.runtime || (isOurs ? "io.containerd.slipway.v1" : "io.containerd.runc.v2");
  const directory = hostDirectories(globals.address, globals.namespace).container(id);
  const labels = containerLabels({
    isRemovedByDaemon: (flags.rm ?? false) && isOurs,
    log: newLogUri(flags, directory, id, runtime),
    directory,
    id,
    name: flags.name || newName(),
    host: hostname,
    own: wanted.labels,
    image: request.image,
    flags,
    globals,
    ...(config ? { config } : {}),
  });
  await using undo = new AsyncDisposableStack();
  if (flags.cidfile !== undefined) undo.defer(writeIdFile(flags.cidfile, id));
  await client.containers.create({
    id,
    labels,
    image: base.image,
    runtime: { name: runtime },
    spec,
    snapshotter,
    snapshotKey: snapshotter === "" ? "" : id,
    extensions: {},
    sandboxId: "",
  });
  if (flags.name) await keepName(client, flags.name, id);
  undo.move();
  return { id, labels, spec, terminal: flags.tty ?? false, snapshotter, rootfs };
}

/** @throws {Fault} `already_exists` */
async function refuseTaken(client: Client, { name, cidfile }: RunFlags): Promise<void> {
  if (name) await refuseTakenName(client, name);
  if (cidfile !== undefined) checkIdFile(cidfile);
}

async function readyImage(
  client: Client,
  globals: Globals,
  reference: string,
  flags: RunFlags,
): Promise<ReadyImage> {
  const { ensureImage } = await import("../images/ensure-image.ts");
  return await ensureImage(client, globals, reference, flags);
}

function userOf(flags: RunFlags, { config }: Base, rootfs: string): UserSpec {
  const user = resolveUser(flags.user ?? config?.config?.User ?? "", rootfs);
  const further = resolveGroups(flags.groupAdd, rootfs);
  return { ...user, additionalGids: [...new Set([...(user.additionalGids ?? []), ...further])] };
}
