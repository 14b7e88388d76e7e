import { posix } from "node:path";
import type { Labels } from "@slipway/core/labels";
import { Fault } from "@slipway/fault/fault";
import type { MountSpec } from "@slipway/oci/runtime-spec";

/** Something that a container is to see at a path of its own. `target` is absolute, clean and not "/". */
export type MountRequest = BindRequest | VolumeRequest | PlainRequest;

/** A file or directory of the daemon's machine. */
export interface BindRequest {
  readonly type: "bind";
  readonly target: string;
  /** Absolute. */
  readonly source: string;
  /** Of the runtime spec: `rbind`, `ro`, `rprivate` and so on. */
  readonly options: readonly string[];
  /** Whether a directory is created where nothing is, as Docker's `-v` does; otherwise a missing source is refused. */
  readonly createsSource: boolean;
}

/** A volume, which is created unless it exists. */
export interface VolumeRequest {
  readonly type: "volume";
  readonly target: string;
  /** Undefined for a volume of its own, which goes with the container. */
  readonly name: string | undefined;
  readonly readOnly: boolean;
  /** Whether an empty volume gets what the image has at the target. */
  readonly copiesUp: boolean;
  /** Of a volume that is created. */
  readonly labels: Labels;
  readonly propagation?: string;
}

/** What the runtime mounts by itself, such as a tmpfs. */
export interface PlainRequest {
  readonly type: "plain";
  readonly target: string;
  readonly mount: MountSpec;
}

/**
 * A mount's target as the runtime sees it: without `.`, `..` and slashes that mean nothing.
 * @throws {Fault} `invalid_argument` for a relative path and for "/"
 */
export function parseTarget(text: string): string {
  if (!text.startsWith("/")) refuseTarget(text, "the target is no absolute path");
  if (text.includes("\0")) refuseTarget(text, "the target has a NUL character");
  const target = posix.normalize(text).replace(/\/$/, "");
  if (target === "") refuseTarget(text, "the root file system is there");
  return target;
}

function refuseTarget(target: string, why: string): never {
  throw new Fault("invalid_argument", `Cannot mount at "${target}": ${why}`);
}
