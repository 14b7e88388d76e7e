import type { TransferOptions, TransferProgress } from "@slipway/core/transfer";
import type { BlobProgress } from "@slipway/images/fetch-image";
import { refOf } from "@slipway/images/fetch-blob";
import type { PushProgress } from "@slipway/images/push-image";
import type { Descriptor } from "@slipway/oci/descriptor";

type State = BlobProgress["state"] | PushProgress["state"];

/** containerd's words, core/transfer/local/progress.go: programs look for them. */
const events: Readonly<Record<State, string>> = {
  waiting: "waiting",
  fetching: "downloading",
  fetched: "complete",
  existed: "already exists",
  unpacking: "extracting",
  unpacked: "extracted",
  pushing: "uploading",
  pushed: "complete",
  mounted: "complete",
};
const eachMs = 100;

/** Tells of blobs, of one that is on its way no more than ten times a second. `root` is the image's name. */
export function blobEvents(
  root: string,
  onProgress: TransferOptions["onProgress"],
): (progress: BlobProgress | PushProgress) => void {
  if (!onProgress) return () => {};
  const toldAt = new Map<string, number>();
  return ({ target, state, offset, parents }) => {
    if (state === "fetching" || state === "pushing") {
      const now = performance.now();
      if (now - (toldAt.get(target.digest) ?? -eachMs) < eachMs) return;
      toldAt.set(target.digest, now);
    }
    onProgress(toEvent(root, events[state], target, offset, parents));
  };
}

function toEvent(
  root: string,
  event: string,
  target: Descriptor,
  progress: number,
  parents: readonly Descriptor[],
): TransferProgress {
  const parent = parents.at(-1);
  return {
    event,
    name: refOf(target),
    parents: [parent ? refOf(parent) : root],
    progress,
    total: target.size,
    target,
  };
}
