import { interactiveLabel, logUriLabel } from "@slipway/client/container-task";
import { overlayFolder, parseRootfs, rootfsLabel } from "@slipway/client/rootfs-folder";
import { fitsLabel, type Labels, labelsFromImage, maxLabelBytes } from "@slipway/core/labels";
import { Fault } from "@slipway/fault/fault";
import { quoted } from "@slipway/oci/documents/quoted";
import type { ImageConfig } from "@slipway/oci/image";
import { formatPlatform, hostPlatform } from "@slipway/oci/platform";
import type { Globals } from "../cli.ts";
import type { RunFlags } from "./flags.ts";
import { newRestartLabels } from "../lifecycle/restart-labels.ts";
import { stopSignalLabel } from "../lifecycle/stop-signal.ts";
import { healthLabels } from "./health-flags.ts";
import { linesOf } from "./lines-of.ts";
import { keyValues } from "./key-values.ts";

/**
 * Set on a container that is to go when it ends, with whoever runs it or without: the daemon watches for it. Its value is
 * the id of the container, which no image can know: other clients take all labels of an image.
 */
const autoRemoveLabel = "slipway/auto-remove";
/** A folder, mounts and all, that goes when the container goes. */
const scratchLabel = "slipway/scratch";

/**
 * Those of `--label-file` and `--label`. A file may be a pipe: it is read once.
 * @throws {Fault} `invalid_argument`
 */
export function userLabels(flags: Pick<RunFlags, "label" | "labelFile">): Labels {
  const pairs = [...flags.labelFile.flatMap((file) => linesOf("label file", file)), ...flags.label];
  const bad = pairs.find((pair) => /^\s*(?:=|$)/.test(pair));
  if (bad !== undefined) throw new Fault("invalid_argument", `Cannot use label "${bad}": it has no key`);
  return keyValues(pairs);
}

export interface LabelSource {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly image: string;
  readonly flags: RunFlags;
  /** The user's, as `userLabels` reads them. */
  readonly own: Labels;
  readonly globals: Globals;
  readonly config?: ImageConfig;
  readonly isRemovedByDaemon: boolean;
  /** Its own, on this machine. */
  readonly directory: string;
  /** The URI of its log, when it keeps one. */
  readonly log: string | undefined;
}

/**
 * The labels by which nerdctl knows its containers (its pkg/labels/labels.go), so that it and slipway see each other's,
 * those of containerd's restart monitor, and the image's and user's own.
 */
export function containerLabels(source: LabelSource): Labels {
  const { id, name, host, image, flags, own, globals, config, isRemovedByDaemon, log, directory } = source;
  const stopSignal = flags.stopSignal || config?.config?.StopSignal;
  const labels = {
    ...labelsFromImage(config?.config?.Labels ?? {}),
    ...own,
    "nerdctl/namespace": globals.namespace,
    "nerdctl/name": name,
    "nerdctl/hostname": host,
    "nerdctl/state-dir": directory,
    "nerdctl/networks": JSON.stringify([flags.network]),
    "nerdctl/platform": flags.platform ?? formatPlatform(hostPlatform()),
    ...(log === undefined ? {} : { [logUriLabel]: log }),
    ...(flags.interactive ? { [interactiveLabel]: "true" } : {}),
    ...(flags.stopTimeout === undefined ? {} : { "nerdctl/stop-timeout": flags.stopTimeout }),
    ...(flags.user === undefined ? {} : { "nerdctl/user": flags.user }),
    ...(flags.privileged ? { "nerdctl/privileged": "true" } : {}),
    ...(stopSignal ? { [stopSignalLabel]: stopSignal } : {}),
    ...(flags.rootfs ? { [rootfsLabel]: image } : {}),
    ...(flags.rootfs && parseRootfs(image).overlay ? { [scratchLabel]: overlayFolder(id) } : {}),
    ...(flags.rm ? { "nerdctl/auto-remove": "true" } : {}),
    ...(isRemovedByDaemon ? { [autoRemoveLabel]: id } : {}),
    ...newRestartLabels(flags.restart, log),
    ...healthLabels(flags, config),
  };
  refuseLong(labels);
  return labels;
}

/** Before anything is made: the daemon would refuse the container. @throws {Fault} `invalid_argument` */
function refuseLong(labels: Labels): void {
  const [name, value] = Object.entries(labels).find((label) => !fitsLabel(...label)) ?? [];
  if (name === undefined || value === undefined) return;
  const bytes = Buffer.byteLength(name) + Buffer.byteLength(value);
  const why = `name and value have ${bytes} bytes, more than ${maxLabelBytes}`;
  throw new Fault("invalid_argument", `Cannot set label ${quoted(name)}: ${why}`);
}
