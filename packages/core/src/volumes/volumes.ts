import { Fault } from "@slipway/fault/fault";
import type { Labels } from "../labels.ts";

/** A directory that containers mount and that outlives them, in one namespace. */
export interface Volume {
  readonly name: string;
  readonly labels: Labels;
  readonly createdAt: Date;
  /** The directory that is mounted, on the daemon's machine. */
  readonly mountpoint: string;
}

export interface VolumeStore {
  /** The volume of this name, which is created unless it exists. Labels are those of its creation. */
  ensure(name: string, labels: Labels): Promise<Volume>;
  /** @throws {Fault} `not_found` */
  get(name: string): Promise<Volume>;
  /** Sorted by name. */
  list(): Promise<Volume[]>;
  /** Removes a volume and what is in it. @throws {Fault} `not_found` */
  remove(name: string): Promise<void>;
}

/** Docker's label of a volume that was created with a container and has no name of its own. It goes with the container. */
export const anonymousLabel = "com.docker.volume.anonymous";

export function isAnonymous({ labels }: Volume): boolean {
  return labels[anonymousLabel] !== undefined;
}

const maxNameBytes = 255;

/** Whether a volume can have this name. */
export function isVolumeName(text: string): boolean {
  return /^[a-zA-Z0-9][\w.-]+$/.test(text) && text.length <= maxNameBytes;
}

/**
 * A volume's name, which is the name of a directory. The rule is Docker's (moby's daemon/names/names.go).
 * @throws {Fault} `invalid_argument`
 */
export function parseVolumeName(text: string): string {
  if (isVolumeName(text)) return text;
  const why = "a volume's name has two to 255 letters, digits, _ . or -, and begins with a letter or digit";
  throw new Fault("invalid_argument", `Cannot use volume "${text}": ${why}`);
}
