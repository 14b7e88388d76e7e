import type { MessagePort } from "node:worker_threads";
import type { FaultCode } from "@slipway/fault/fault";
import type { Compression } from "@slipway/oci/media-types";
import type { PackedDiff } from "../diff/pack-diff.ts";
import type { WriteDiffOptions } from "../diff/write-diff.ts";
import type { ApplyLayerOptions } from "../apply/apply.ts";
import type { UnpackedLayer } from "../apply/unpack.ts";
import type { ExtractImageOptions } from "../erofs/extract-image.ts";
import type { WrittenImage } from "../erofs/image-file.ts";
import type { UnpackImageOptions } from "../erofs/unpack-image.ts";
import type { ImageSummary, VerifyImageOptions } from "../erofs/verify.ts";
import type { AheadImage } from "../ingest/index-ahead.ts";
import type { IngestBlobOptions, StoredBlob } from "../ingest/ingest-blob.ts";
import type { AheadTar } from "../ingest/ahead-tar.ts";
import type { TreeUsage } from "../files/usage.ts";
import type { SharedRing } from "./byte-ring.ts";

interface AwaitedWork {
  /** Answers when the thread can begin with layers. */
  getReady: undefined;
}
/** What threads that walk files can be told to do. */
export interface FileWork extends AwaitedWork {
  /** Takes a layer's tar in. */
  indexAhead: AheadTar;
  /** Takes the layer's blob in. */
  unpack: { readonly root: string; readonly options: Omit<ApplyLayerOptions, "onIgnored"> };
  /** Takes the layer's blob in. */
  unpackImage: { readonly path: string; readonly options: Omit<UnpackImageOptions, "onIgnored"> };
  reindexImage: { readonly path: string; readonly options: Omit<UnpackImageOptions, "onIgnored"> };
  verifyImage: { readonly path: string; readonly options: VerifyImageOptions };
  extractImage: {
    readonly path: string;
    readonly root: string;
    readonly options: Omit<ExtractImageOptions, "onIgnored">;
  };
  usage: { readonly path: string };
  remove: { readonly path: string };
  copy: { readonly from: string; readonly to: string };
  /** Gives the layer's blob out. */
  diff: { readonly options: WriteDiffOptions; readonly compression: Compression };
}
/** What threads that store blobs can be told to do. */
export interface BlobWork extends AwaitedWork {
  /** Takes a blob in. */
  ingest: IngestBlobOptions;
}
export interface Work extends FileWork, BlobWork {}
export interface Answers {
  getReady: undefined;
  ingest: StoredBlob;
  indexAhead: AheadImage;
  unpack: UnpackedLayer;
  unpackImage: WrittenImage;
  reindexImage: WrittenImage;
  verifyImage: ImageSummary;
  extractImage: number;
  usage: TreeUsage;
  remove: undefined;
  copy: undefined;
  diff: PackedDiff;
}
export type WorkKind = keyof Work;
export type JobFor<Kinds> = {
  [Kind in keyof Kinds & WorkKind]: {
    readonly kind: Kind;
    readonly work: Work[Kind];
    readonly port: MessagePort;
    /** The bytes that the thread takes in. */
    readonly ring?: SharedRing;
  };
}[keyof Kinds & WorkKind];
/** A fault between threads: errors lose their codes on the way. */
export interface SentFault {
  readonly code: FaultCode;
  readonly message: string;
  /** As systemCauseOf() returns it. */
  readonly systemCause: string | undefined;
}

/** What both sides say to each other about one job. */
export type Message =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** One chunk of bytes was taken. */
  | { readonly kind: "taken" }
  /** All bytes were sent. */
  | { readonly kind: "end" }
  | { readonly kind: "ignored"; readonly what: string }
  | { readonly kind: "answer"; readonly answer: Answers[WorkKind] }
  | { readonly kind: "failed"; readonly fault: SentFault };
