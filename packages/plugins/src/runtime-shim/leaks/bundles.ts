import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FoundLeak } from "@slipway/core/doctor";
import { messageOf } from "@slipway/fault/fault";
import { readMountInfo } from "@slipway/linux/mountinfo";
import { Bundle } from "../bundle.ts";
import { findContainer, type Look } from "./leaks.ts";
import { changedMs, foldersIn } from "./folders.ts";

const DELETE_MS = 5000;

/** Bundles without a task, with what is mounted in them; and such as were being removed when the daemon was killed. */
export function findBundles(look: Look): FoundLeak[] {
  const { folders, registry, isYoung } = look;
  const mounts = readMountInfo().map(({ mountPoint }) => mountPoint);
  return foldersIn(folders.stateDir).flatMap((namespace) =>
    foldersIn(join(folders.stateDir, namespace)).flatMap((name): FoundLeak[] => {
      const path = join(folders.stateDir, namespace, name);
      const id = name.replace(/^\./, "");
      const isHidden = name !== id;
      if (isYoung(changedMs(path)) || (!isHidden && registry.has(namespace, id))) return [];
      const mounted = mounts.filter((point) => point.startsWith(`${path}/`));
      const still = mounted.length === 0 ? "" : `, and something is mounted on ${mounted.join(", ")}`;
      return [
        {
          id: `bundle:${namespace}/${name}`,
          kind: "bundle",
          namespace,
          where: path,
          reason: `${isHidden ? "it was being removed" : `there is no task "${id}"`}${still}`,
          isAlive: false,
          remove: async () => {
            if (isHidden) rmSync(path, { recursive: true, force: true });
            else await deleteBundle(look, new Bundle(folders, namespace, id));
          },
        },
      ];
    }),
  );
}

async function deleteBundle({ launcher, stores, registry }: Look, bundle: Bundle): Promise<void> {
  // Nobody may make a task of that name meanwhile.
  using _reserved = registry.reserve(bundle.namespace, bundle.id);
  if (hasShimBinary(bundle)) {
    // The program of its shim knows what else there is.
    const binary = launcher.binaryOf(bundle, await runtimeOf(bundle, stores));
    await binary.delete(AbortSignal.timeout(DELETE_MS)).catch((error: unknown) => {
      if (!/not installed|does not exist|no such/.test(messageOf(error))) throw error;
    });
  }
  bundle.delete();
}

async function runtimeOf({ namespace, id }: Bundle, stores: Look["stores"]): Promise<string> {
  // Without its container, the bundle itself names the program.
  return (await findContainer(stores, namespace, id))?.runtime.name ?? "";
}

function hasShimBinary({ path }: Bundle): boolean {
  try {
    return readFileSync(join(path, "shim-binary-path"), "utf8") !== "";
  } catch {
    return false;
  }
}

/** What a bundle's `work` link led to, without the bundle. */
export function findWorkFolders({ folders, registry, isYoung }: Look): FoundLeak[] {
  return foldersIn(folders.rootDir).flatMap((namespace) =>
    foldersIn(join(folders.rootDir, namespace)).flatMap((name): FoundLeak[] => {
      const path = join(folders.rootDir, namespace, name);
      const isUsed = registry.has(namespace, name) || isThere(join(folders.stateDir, namespace, name));
      if (isUsed || isYoung(changedMs(path))) return [];
      const remove = async (): Promise<void> => rmSync(path, { recursive: true, force: true });
      const reason = "its bundle is gone";
      return [
        {
          id: `work:${namespace}/${name}`,
          kind: "work",
          namespace,
          where: path,
          reason,
          isAlive: false,
          remove,
        },
      ];
    }),
  );
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
