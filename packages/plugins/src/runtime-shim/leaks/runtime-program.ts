import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import type { Container } from "@slipway/core/containers";
import { readPayload } from "@slipway/rpc/read-message";

/** runc knows its own state only, and removes another's as that of a container that was never finished. */
const kinds = [
  { name: "crun", file: "status" },
  { name: "youki", file: "youki_config.json" },
  { name: "runc", file: "state.json" },
] as const;

/**
 * The program that keeps a container's state in `folder`, by what lies there: `named`, unless that is of another kind.
 * The folder of a container that was never finished is runc's, if nobody's.
 */
export function programOf(folder: string, named: string): string {
  const kind = kinds.find(({ file }) => existsSync(join(folder, file)))?.name;
  if (named !== "" && (kind === undefined || isOfKind(named, kind))) return named;
  return kind ?? "runc";
}

/** By its name, which may also tell nothing. */
function isOfKind(program: string, kind: string): boolean {
  const told = kinds.filter(({ name }) => basename(program).includes(name));
  return told.length === 0 || told.some(({ name }) => name === kind);
}

/** What a container's own options name; empty when they do not. */
export function programNamedBy({ runtime: { options } }: Pick<Container, "runtime">): string {
  return (options && readPayload(OptionsSchema, options)?.binaryName) ?? "";
}
