import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DaemonOptions, Prelude, Program } from "../../test/support/daemon.ts";
import { output } from "../../test/support/run.ts";

// What scripts/test.sh fetches: a later Debian's programs, with the libraries that they need.
const tools = join(import.meta.dirname, "../../.tools");

/** A daemon that is measured, and the name under which its figures are printed. */
export interface Contender {
  readonly name: string;
  readonly program: Program;
  readonly options: DaemonOptions;
}

/** slipwayd, Debian's containerd, and a later one where it was fetched. All have the same runc. */
export async function contenders(): Promise<readonly Contender[]> {
  const theirs = async (program: string, options: DaemonOptions): Promise<Contender> => {
    const [, , version = ""] = (await output(program, ["--version"])).split(" ");
    return { name: `containerd ${version.split(/[~+]/)[0]}`, program: "containerd", options };
  };
  const all = [
    { name: "slipwayd", program: "slipwayd", options: {} } as const,
    await theirs("containerd", {}),
  ];
  const later = join(tools, "bin/containerd");
  if (existsSync(later)) all.push(await theirs(later, { prelude: laterPrelude() }));
  return all;
}

/** Its shim starts itself again, by the path that it has: both must be where programs are, and their libraries, too. */
function laterPrelude(): Prelude {
  const libraries = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
  const later = (path: string): string => join(tools, "root", path);
  return [
    `mount -t overlay -o lowerdir=${later(libraries)}:${libraries} overlay ${libraries}`,
    ...["containerd", "containerd-shim-runc-v2"]
      .map((program) => `/usr/bin/${program}`)
      .map((path) => `mount --bind ${later(path)} ${path}`),
  ].join("; ");
}
