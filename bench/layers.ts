/*
 * A layer of 6,000 files that containers read: as a directory, as an image, and as an image that is read without a
 * second copy in the page cache (`directio`). What is cold comes from the disk; so run it on an idle machine.
 * Usage: node bench/layers.ts [RUNS]
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { applyLayer } from "@slipway/layers/apply";
import { ImageFile } from "@slipway/layers/erofs/image-file";
import { mount, mountRaw } from "@slipway/linux/mount";
import { MS } from "@slipway/linux/mount-flags";
import { TestFolder } from "../test/support/folder.ts";
import { output } from "../test/support/run.ts";
import { sampleLayer } from "./support/sample-layer.ts";

const runs = Number(process.argv[2] ?? 3);
const containers = 50;
const forms = ["directory", "image", "directio"] as const;
type Form = (typeof forms)[number];

const figures = {
  findCold: "find, cold",
  readCold: "read everything, cold",
  readHot: "read everything, hot",
  cachedMB: "page cache after that",
  othersMB: `page cache after ${containers} containers read everything`,
} as const;
type Figures = Record<keyof typeof figures, number>;

using folder = new TestFolder("bench-layers");
const tar = sampleLayer(6_000);
const trees: Record<Form, string> = { directory: await makeDirectory(), image: "", directio: "" };
const image = makeImage();
trees.image = mounted("image", null);
trees.directio = mounted("directio", "directio");

const found: Record<Form, Figures[]> = { directory: [], image: [], directio: [] };
for (let run = 0; run < runs; run += 1)
  for (const form of forms) {
    const each = await measure(form, `${form}-${run}`);
    console.log(form, each);
    found[form].push(each);
  }
for (const [key, title] of Object.entries(figures) as [keyof Figures, string][]) {
  const least = (form: Form): number => Math.min(...found[form].map((each) => each[key]));
  const unit = key.endsWith("MB") ? "MB" : "s";
  const shown = forms.map((form) => `${form} ${least(form).toFixed(unit === "s" ? 3 : 0)} ${unit}`);
  console.log(
    `${title}: ${shown.join(", ")}; image ${(least("image") / least("directory")).toFixed(2)} of directory`,
  );
}

async function measure(form: Form, name: string): Promise<Figures> {
  using own = new TestFolder(`bench-${name}`);
  const overlays = Array.from({ length: containers }, (_, index) => overlay(own, trees[form], index));
  const [first = "", ...others] = overlays;
  await dropCaches();
  const findCold = await timed("find . > /dev/null", first);
  await dropCaches();
  const read = "find . -type f -print0 | xargs -0 cat > /dev/null";
  const readCold = await timed(read, first);
  const readHot = await timed(read, first);
  const cached = await cachedMB(form);
  for (const other of others) await timed(read, other);
  return { findCold, readCold, readHot, cachedMB: cached, othersMB: await cachedMB(form) };
}

/** What a container has: the layer below an empty writable top. */
function overlay(own: TestFolder, lower: string, index: number): string {
  const [upper, work, merged] = ["upper", "work", "merged"].map((name) => own.join(`${index}`, name));
  for (const path of [upper, work, merged]) mkdirSync(path ?? "", { recursive: true });
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
  mount({ type: "overlay", source: "overlay", options }, merged ?? "");
  return merged ?? "";
}

async function timed(script: string, directory: string): Promise<number> {
  const start = performance.now();
  await output("sh", ["-c", `cd "$0" && ${script}`, directory], { timeoutMs: 300_000 });
  return (performance.now() - start) / 1000;
}

async function dropCaches(): Promise<void> {
  await output("sync", []);
  writeFileSync("/proc/sys/vm/drop_caches", "3");
}

/** Of the layer's files, and of the image that they are in. */
async function cachedMB(form: Form): Promise<number> {
  const images = form === "directory" ? "" : ` ${copyOf(form)}`;
  const script = `find "$0"${images} -type f -print0 | xargs -0 fincore -bnro RES | awk '{ sum += $1 } END { print sum }'`;
  return Number(await output("sh", ["-c", script, trees[form]])) / 2 ** 20;
}

async function makeDirectory(): Promise<string> {
  const path = folder.join("directory");
  mkdirSync(path);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield tar;
  }
  await applyLayer(bytes(), path, { whiteouts: "overlay" });
  return path;
}

function makeImage(): string {
  const path = folder.join("layer.erofs");
  using file = new ImageFile(path, { mode: 0o755, uid: 0, gid: 0 }, {});
  file.write(tar);
  file.finish();
  return path;
}

/** Each from a file of its own: one page cache must not help the other. */
function mounted(name: Form, options: string | null): string {
  const [copy, target] = [copyOf(name), folder.join(`${name}-tree`)];
  writeFileSync(copy, readFileSync(image));
  mkdirSync(target);
  mountRaw(copy, target, "erofs", MS.RDONLY, options);
  return target;
}

function copyOf(name: Form): string {
  return folder.join(`${name}.erofs`);
}
