import { ingestBlob } from "../ingest/ingest-blob.ts";
import { readRingInTurns } from "./byte-ring.ts";
import type { BlobWork } from "./messages.ts";
import { serve } from "./serve.ts";

// A thread of FileThreads that stores blobs, several in turns.
serve<BlobWork>(async ({ kind, work, ring }, channel) => {
  if (kind === "getReady") return undefined;
  return await ingestBlob(ring ? readRingInTurns(ring, () => channel.send({ kind: "taken" })) : [], work);
});
