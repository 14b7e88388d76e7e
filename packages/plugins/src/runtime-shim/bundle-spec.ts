import type { Any } from "@slipway/core/any";

/** A container's runtime spec, and what the daemon itself must know of it. */
export interface BundleSpec {
  readonly json: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
  /** The host's group that is root in the container's user namespace; 0 without one. */
  readonly rootGid: number;
}

interface SpecFile {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: {
    readonly gidMappings?: readonly { readonly containerID: number; readonly hostID: number }[];
  };
}

export function parseSpec({ value }: Any): BundleSpec {
  const { annotations = {}, linux } = JSON.parse(Buffer.from(value).toString()) as SpecFile;
  const rootGid = linux?.gidMappings?.find(({ containerID }) => containerID === 0)?.hostID ?? 0;
  return { json: value, annotations, rootGid };
}
