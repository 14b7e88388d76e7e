import type { Digest } from "./digest.ts";
import type { Platform } from "./platform.ts";

/** Points to a blob. Defined by https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly urls?: readonly string[];
  readonly artifactType?: string;
  /** The blob itself, in base64. It is not read here, and stays. */
  readonly data?: string;
}
