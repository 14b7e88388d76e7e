import { readRing } from "./byte-ring.ts";
import type { Channel } from "./channel.ts";
import type { Answers, FileWork, JobFor, WorkKind } from "./messages.ts";
import { serve } from "./serve.ts";

// A thread of FileThreads that does one job after the other, but for the indexes of layers, of which several take turns.
serve<FileWork>(answerTo);

async function answerTo(
  { kind, work, ring }: JobFor<FileWork>,
  channel: Channel,
): Promise<Answers[WorkKind]> {
  const onTaken = (): void => channel.send({ kind: "taken" });
  const input = ring ? readRing(ring, onTaken) : [];
  switch (kind) {
    case "getReady":
      await import("../ingest/index-ahead.ts");
      return undefined;
    case "indexAhead": {
      const { indexAhead } = await import("../ingest/index-ahead.ts");
      return await indexAhead(work);
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
