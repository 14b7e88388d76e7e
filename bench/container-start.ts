/*
 * A no-op container of an image of 6,000 files in two layers: created and started, from layers that are images and from
 * layers that are directories. Cold is the first container of an image that was just imported, from the disk, with the
 * programs that start it in memory. Usage: node bench/container-start.ts [ROUNDS] [WARM STARTS IN EACH]
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestDaemon } from "../test/support/daemon.ts";
import { TestFolder } from "../test/support/folder.ts";
import { makeImage, makeRootfs } from "../test/support/images.ts";
import { output } from "../test/support/run.ts";
import { median } from "./support/figures.ts";
import { FreshDisk } from "./support/fresh-disk.ts";
import { type Contender, contenders, ctr } from "./support/pulling-daemons.ts";
import { sampleLayer } from "./support/sample-layer.ts";

const rounds = Number(process.argv[2] ?? 7);
const warmStarts = Number(process.argv[3] ?? 8);
const forms = { image: contenders.slipwayd, directory: contenders["slipwayd-directories"] };
type Form = keyof typeof forms;

using folder = new TestFolder("bench-container-start");
const rootfs = makeRootfs(folder.join("rootfs"));
const many = folder.join("many.tar");
writeFileSync(many, sampleLayer(6_000));
const archives = { many: folder.join("many.oci"), small: folder.join("small.oci") };
await makeImage(`oci-archive:${archives.many}:many`, { layers: [rootfs, many] });
await makeImage(`oci-archive:${archives.small}:small`, { layers: [rootfs] });

const milliseconds: Record<Form, { cold: number[]; warm: number[] }> = {
  image: { cold: [], warm: [] },
  directory: { cold: [], warm: [] },
};
for (let round = 0; round < rounds; round += 1)
  for (const form of ["image", "directory"] as const) await measure(form, forms[form]);
for (const when of ["cold", "warm"] as const) {
  const [image, directory] = [median(milliseconds.image[when]), median(milliseconds.directory[when])];
  const ratio = (image / directory).toFixed(2);
  console.log(
    `${when}: image ${image.toFixed(0)} ms, directory ${directory.toFixed(0)} ms; image ${ratio} of directory`,
  );
}

async function measure(form: Form, { options, snapshotter }: Contender): Promise<void> {
  using disk = await FreshDisk.make();
  await using daemon = await TestDaemon.start("slipwayd", { ...options, root: join(disk.folder, "root") });
  const call = (...args: string[]): Promise<string> => output(ctr, ["-a", daemon.address, ...args]);
  const images: string[] = [];
  for (const [name, archive] of Object.entries(archives)) {
    await call("images", "import", "--snapshotter", snapshotter, "--index-name", `bench/${name}:1`, archive);
    images.push(`bench/${name}:1`);
  }
  let containers = 0;
  const start = async (image: string): Promise<number> => {
    const began = performance.now();
    const name = `c${(containers += 1)}`;
    await call("run", "--rm", "--snapshotter", snapshotter, image, name, "/bin/true");
    return performance.now() - began;
  };
  const [image = "", warmer = ""] = images;
  await output("sync", []);
  writeFileSync("/proc/sys/vm/drop_caches", "3");
  await start(warmer);
  milliseconds[form].cold.push(await start(image));
  for (let index = 0; index < warmStarts; index += 1) milliseconds[form].warm.push(await start(image));
}
