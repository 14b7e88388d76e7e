import { Worker } from "node:worker_threads";

/**
 * Copies the write-ahead log into the database, on a thread while it lasts.
 * @returns false when it failed: the log grows until the next one
 */
export async function checkpoint(path: string): Promise<boolean> {
  const ended = Promise.withResolvers<boolean>();
  new Worker(new URL("./checkpoint-worker.ts", import.meta.url), {
    workerData: path,
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
  })
    .once("error", () => ended.resolve(false))
    .once("exit", () => ended.resolve(true));
  return await ended.promise;
}
