import { flushCompileCache } from "node:module";
import { parentPort } from "node:worker_threads";
import { Channel } from "./channel.ts";
import type { Answers, JobFor, WorkKind } from "./messages.ts";

/** Does what FileThreads asks this thread for. */
export function serve<Kinds>(answerTo: AnswerTo<Kinds>): void {
  parentPort?.on("message", (job: JobFor<Kinds>) => void perform(job, answerTo));
}

type AnswerTo<Kinds> = (job: JobFor<Kinds>, channel: Channel) => Promise<Answers[WorkKind]>;

async function perform<Kinds>(job: JobFor<Kinds>, answerTo: AnswerTo<Kinds>): Promise<void> {
  {
    using channel = new Channel(job.port);
    try {
      channel.send({ kind: "answer", answer: await answerTo(job, channel) });
    } catch (error) {
      channel.sendFailure(error);
    }
  }
  // What the first layer had compiled, the next daemon's threads need not.
  if (job.kind === "ingest" || job.kind === "indexAhead") flushCompileCache();
}
