import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { IngestStatus } from "@slipway/core/content";
import { Fault } from "@slipway/fault/fault";
import { parseDate } from "@slipway/fault/precise-date";
import { failedWith } from "./system-errors.ts";

/** What is known of an ingest, read from its folder. @throws {Fault} `not_found` when there is none, or half of one */
export async function readIngest(folder: string): Promise<IngestStatus> {
  try {
    const { size, mtime } = await stat(join(folder, "data"));
    const [ref, startedAt, updatedAt, total] = await Promise.all([
      readFile(join(folder, "ref"), "utf8"),
      readTimestamp(join(folder, "startedat")),
      readTimestamp(join(folder, "updatedat")),
      readTotal(join(folder, "total")),
    ]);
    // updatedat is written when a writer closes; the data tells of a writer that did not come so far.
    return { ref, offset: size, total, startedAt, updatedAt: mtime > updatedAt ? mtime : updatedAt };
  } catch (error) {
    if (!failedWith(error, "ENOENT")) throw error;
    throw new Fault("not_found", `${(error as Error).message}: not found`, { cause: error });
  }
}

/** Makes the folder of a new ingest, in place of whatever was there. */
export async function createIngest(folder: string, ref: string, total: number, at: Date): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all([
    writeFile(join(folder, "ref"), ref),
    writeFile(join(folder, "startedat"), at.toISOString()),
    writeFile(join(folder, "updatedat"), at.toISOString()),
    total > 0 ? writeFile(join(folder, "total"), String(total)) : undefined,
  ]);
}

/** Says when the ingest was last written to. Nobody sees half a date. */
export async function touchIngest(folder: string, at: Date): Promise<void> {
  const path = join(folder, "updatedat");
  await writeFile(`${path}.tmp`, at.toISOString());
  await rename(`${path}.tmp`, path);
}

async function readTimestamp(path: string): Promise<Date> {
  const text = await readFile(path, "utf8");
  const date = parseDate(text);
  if (Number.isNaN(date.getTime()))
    throw new Fault("data_loss", `could not parse timestamp file ${path}: "${text}"`);
  return date;
}

async function readTotal(path: string): Promise<number> {
  try {
    return Number.parseInt(await readFile(path, "utf8"), 10) || 0;
  } catch (error) {
    if (failedWith(error, "ENOENT")) return 0;
    throw error;
  }
}
