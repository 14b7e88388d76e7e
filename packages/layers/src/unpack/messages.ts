import type { FaultCode } from "@slipway/fault/fault";
import type { MessagePort } from "node:worker_threads";
import type { ApplyLayerOptions } from "../apply/apply.ts";
import type { UnpackedLayer } from "./unpack.ts";

/** A fault between threads: errors lose their codes on the way. */
export interface SentFault {
  readonly code: FaultCode;
  readonly message: string;
}

/** Tells a worker to unpack the layer that comes through `port`. */
export interface Job {
  readonly root: string;
  readonly options: Omit<ApplyLayerOptions, "onIgnored">;
  readonly port: MessagePort;
}

export type ToWorker =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly fault: SentFault };

export type FromWorker =
  /** One more chunk was taken. */
  | { readonly kind: "taken" }
  | { readonly kind: "ignored"; readonly what: string }
  | { readonly kind: "unpacked"; readonly layer: UnpackedLayer }
  | { readonly kind: "failed"; readonly fault: SentFault };
