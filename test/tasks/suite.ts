import { existsSync } from "node:fs";
import { basename } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import { isRefusedByCrun } from "../support/crun.ts";
import { programs } from "../support/daemon.ts";
import type { Combination } from "./combinations.ts";
import { deathTests } from "./deaths.ts";
import { execTests } from "./execs.ts";
import { TaskHost } from "./host.ts";
import { lifeTests } from "./life.ts";
import { limitTests } from "./limits.ts";
import { optionTests } from "./options.ts";
import { streamTests } from "./streams.ts";

/** The whole task API, over real daemons, shims and runtimes: each combination must pass all of it. */
export function taskSuite(combination: Combination): void {
  const { name, daemon, shim, binary, isSystemd } = combination;
  const driver = isSystemd ? ", cgroups by systemd" : "";
  const isMissing = !programs.includes(daemon) || !isThere(shim) || !isThere(binary);
  const skip = isMissing || (binary === "crun" && isRefusedByCrun());
  // All of its tests together; each has the limit of the command line.
  const timeout = 900_000;
  describe(`a task of ${name} with ${basename(binary)}${driver}`, { skip, timeout }, () => {
    let host: TaskHost;
    before(async () => {
      host = await TaskHost.start(combination);
    });
    afterEach(async () => await host.clear());
    after(async () => await host[Symbol.asyncDispose]());
    const current = (): TaskHost => host;
    lifeTests(current, combination);
    streamTests(current);
    execTests(current, combination);
    if (!combination.isSandboxed) limitTests(current);
    if (!combination.isSandboxed) optionTests(current, combination);
    deathTests(current, combination);
  });
}

/** Names are looked for by those who run them. */
function isThere(program: string): boolean {
  return !program.startsWith("/") || existsSync(program);
}
