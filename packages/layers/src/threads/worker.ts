import { parentPort } from "node:worker_threads";
import { readRing, readRingInTurns } from "./byte-ring.ts";
import { Channel } from "./channel.ts";
import type { Answers, Job, WorkKind } from "./messages.ts";

// A thread of FileThreads: one job after the other, but for ingests, of which several take turns.
parentPort?.on("message", (job: Job) => void perform(job));

async function perform(job: Job): Promise<void> {
  using channel = new Channel(job.port);
  try {
    channel.send({ kind: "answer", answer: await answerTo(job, channel) });
  } catch (error) {
    channel.sendFailure(error);
  }
}

async function answerTo({ kind, work, ring }: Job, channel: Channel): Promise<Answers[WorkKind]> {
  const onTaken = (): void => channel.send({ kind: "taken" });
  const input = ring ? readRing(ring, onTaken) : [];
  switch (kind) {
    case "ingest": {
      const { ingestBlob } = await import("../ingest/ingest-blob.ts");
      return await ingestBlob(ring ? readRingInTurns(ring, onTaken) : [], work);
    }
    case "unpack": {
      const { unpackLayer } = await import("../apply/unpack.ts");
      const onIgnored = (what: string): void => channel.send({ kind: "ignored", what });
      return await unpackLayer(input, work.root, { ...work.options, onIgnored });
    }
    case "unpackImage": {
      const { unpackImage } = await import("../erofs/unpack-image.ts");
      const onIgnored = (what: string): void => channel.send({ kind: "ignored", what });
      return await unpackImage(input, work.path, { ...work.options, onIgnored });
    }
    case "reindexImage": {
      const { reindexImage } = await import("../erofs/reindex-image.ts");
      return reindexImage(work.path, work.options);
    }
    case "verifyImage": {
      const { verifyImage } = await import("../erofs/verify.ts");
      return verifyImage(work.path, work.options);
    }
    case "extractImage": {
      const { extractImage } = await import("../erofs/extract-image.ts");
      return await extractImage(work.path, work.root, work.options);
    }
    case "usage": {
      const { usageOf } = await import("../files/usage.ts");
      return usageOf(work.path);
    }
    case "remove": {
      const { rmSync } = await import("node:fs");
      rmSync(work.path, { recursive: true, force: true });
      return undefined;
    }
    case "diff": {
      const { packDiff } = await import("../diff/pack-diff.ts");
      return await packDiff(work.options, work.compression, (bytes) => channel.write(bytes));
    }
    case "copy": {
      const { copyTree } = await import("../files/copy.ts");
      copyTree(work.from, work.to);
      return undefined;
    }
  }
}
