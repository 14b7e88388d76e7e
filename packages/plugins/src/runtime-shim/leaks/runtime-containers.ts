import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { FoundLeak } from "@slipway/core/doctor";
import { Fault, messageOf } from "@slipway/fault/fault";
import { findContainer, type Look } from "./leaks.ts";
import { changedMs, foldersIn } from "./folders.ts";
import { programNamedBy, programOf } from "./runtime-program.ts";

const DELETE_MS = 10_000;

/** Containers that a runtime knows below this daemon's root for it, and no task. */
export function findRuntimeContainers({ runtimeRoot, registry, stores, isYoung }: Look): FoundLeak[] {
  return foldersIn(runtimeRoot).flatMap((namespace) =>
    foldersIn(join(runtimeRoot, namespace))
      .filter((id) => !registry.has(namespace, id))
      .filter((id) => !isYoung(changedMs(join(runtimeRoot, namespace, id))))
      .map((id) => {
        const root = join(runtimeRoot, namespace);
        return {
          id: `container:${namespace}/${id}`,
          kind: "container" as const,
          namespace,
          where: join(root, id),
          reason: `the runtime has container "${id}", and there is no task`,
          isAlive: true,
          async remove() {
            // Nobody may make a task of that name meanwhile.
            using _reserved = registry.reserve(namespace, id);
            const container = await findContainer(stores, namespace, id);
            const program = programOf(join(root, id), container ? programNamedBy(container) : "");
            await deleteContainer(program, root, id);
          },
        };
      }),
  );
}

/** Kills what runs in it, and removes its cgroups and its state. */
async function deleteContainer(program: string, root: string, id: string): Promise<void> {
  try {
    await promisify(execFile)(program, ["--root", root, "delete", "--force", id], { timeout: DELETE_MS });
  } catch (error) {
    throw new Fault("unknown", `Cannot delete container "${id}" with ${program}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
