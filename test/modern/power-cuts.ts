import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { TestFolder } from "../support/folder.ts";
import { makeImage, makeRootfs } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";
import { Machine } from "./machine.ts";

interface PowerCuts {
  readonly tools: string;
  readonly checkout: string;
  /** Where the disk is made that outlives the cuts. */
  readonly data: string;
  readonly count: number;
  /** The same moments for the same seed. */
  readonly seed: number;
}

/** The longest that the guest pulls and starts before its power goes. A pull takes it five seconds and more. */
const LOAD_MS = 30_000;

/** Cuts a machine's power in the middle of pulls and starts, again and again; in between, it checks itself. */
export async function cutPower({ count, seed, data, ...options }: PowerCuts): Promise<void> {
  await makeDataDisk(data);
  const common = { ...options, data, job: "power-cut", isWhole: false };
  let random = seed;
  for (let round = 1; round <= count; round++) {
    await using machine = new Machine(common);
    await machine.until("load begins");
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    const afterMs = random % LOAD_MS;
    await setTimeout(afterMs);
    await machine.cutPower();
    console.log(`power cut ${round} of ${count}, after ${afterMs} ms`);
  }
  await using machine = new Machine({ ...common, args: ["last"] });
  const code = await machine.job();
  if (code !== 0) throw new Error("The last check failed");
}

/** A disk with a registry's folder: an image is in it whose files tell when a byte of them is missing. */
async function makeDataDisk(disk: string): Promise<void> {
  using folder = new TestFolder("data");
  using parts = new TestFolder("image");
  await using registry = await TestRegistry.start({ data: folder.join("registry") });
  const layers = [makeRootfs(parts.join("base"))];
  const hash = createHash("sha256");
  for (let layer = 0; layer < LAYERS; layer++) {
    mkdirSync(parts.join(`${layer}`, `files-${layer}`), { recursive: true });
    for (let file = 10; file < 40; file++) {
      const bytes = randomBytes(100_000);
      hash.update(bytes);
      writeFileSync(parts.join(`${layer}`, `files-${layer}`, `${file}`), bytes);
    }
    layers.push(parts.join(`${layer}`));
  }
  await makeImage(`docker://${registry.host}/torn:latest`, { layers });
  writeFileSync(folder.join("expected"), hash.digest("hex"));
  await output("mke2fs", ["-q", "-t", "ext4", "-L", "data", "-d", folder.path, disk, "3G"]);
}
const LAYERS = 4;
