import type { Descriptor } from "@slipway/oci/descriptor";

export interface Judgement {
  readonly ok: boolean;
  readonly reason: string;
}

/** Says whether an image may be taken in. Defined by containerd's pkg/imageverifier. */
export interface ImageVerifier {
  /** Fails when no judgement could be had: that is a no, too. */
  verify(name: string, target: Descriptor, signal?: AbortSignal): Promise<Judgement>;
}
