import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Fault } from "@slipway/fault/fault";
import type { MountSpec, RuntimeSpec } from "@slipway/oci/runtime-spec";
import type { RunFlags } from "./flags.ts";

/** Where the container sees its init. */
const inside = "/sbin/docker-init";
const usual = ["docker-init", "tini-static", "tini"] as const;

/**
 * A spec whose program runs below an init of this machine, which must need no library of the container's.
 * @throws {Fault} `not_found` when there is none
 */
export function withInit(
  spec: RuntimeSpec,
  { init, initBinary }: Pick<RunFlags, "init" | "initBinary">,
): RuntimeSpec {
  if (!init && initBinary === undefined) return spec;
  const names = initBinary === undefined ? usual : [initBinary];
  const source = names.map(find).find((path) => path !== undefined);
  if (source === undefined) {
    throw new Fault(
      "not_found",
      `Cannot use --init: this machine has no program ${names.map((name) => `"${name}"`).join(", ")}`,
    );
  }
  const mount: MountSpec = { destination: inside, type: "bind", source, options: ["bind", "ro"] };
  return {
    ...spec,
    mounts: [...spec.mounts, mount],
    process: { ...spec.process, args: [inside, "--", ...spec.process.args] },
  };
}

function find(name: string): string | undefined {
  const folders = name.includes("/") ? [""] : (process.env["PATH"] ?? "").split(delimiter);
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}
