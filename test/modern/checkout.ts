import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { TestFolder } from "../support/folder.ts";
import { output } from "../support/run.ts";

const root = join(import.meta.dirname, "../..");

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/**
 * Makes a disk of this checkout, changes that are not committed included, with the npm packages that running it needs, and
 * built: a slow machine starts programs twice as fast.
 */
export async function makeCheckoutDisk(disk: string): Promise<void> {
  await output(process.execPath, [join(root, "scripts/build.ts")]);
  using folder = new TestFolder("checkout");
  const listed = await output("git", ["-C", root, "ls-files", "-co", "--exclude-standard"]);
  const files = listed.split("\n").filter((file) => file !== "" && existsSync(join(root, file)));
  const copy = (path: string): void => {
    const target = folder.join(path);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, path), target, { recursive: true, verbatimSymlinks: true });
  };
  for (const file of files) copy(file);
  for (const path of await packagesToRun()) copy(path);
  // The workspaces, which are links.
  copy("node_modules/@slipway");
  // Last: what is older than the source is not used.
  copy("dist");
  await output("mke2fs", ["-q", "-t", "ext4", "-L", "slipway", "-d", folder.path, disk, "1G"]);
}

async function packagesToRun(): Promise<string[]> {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
  return Object.entries(packages)
    .filter(([path, { dev = false }]) => path.startsWith("node_modules/") && !dev)
    .map(([path]) => path)
    .filter((path) => !path.startsWith("node_modules/@slipway") && isFolder(join(root, path)));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
