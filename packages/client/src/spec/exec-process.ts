import type { ProcessSpec } from "@slipway/oci/runtime-spec";
import { refuseEmptyProgram } from "./command.ts";
import { privilegedCapabilities } from "./container-spec.ts";
import { resolveUser } from "./user.ts";

/** What is run beside a container's first process. */
export interface ExecProcessOptions {
  readonly args: readonly string[];
  /** `NAME=value`, over the container's; a name alone removes that one. */
  readonly env?: readonly string[];
  readonly cwd?: string;
  /** `name`, `uid`, `name:group` or `uid:gid`; the container's unless told. */
  readonly user?: string;
  readonly terminal?: boolean;
  /** Of the terminal, in characters, before the process has begun. */
  readonly consoleSize?: { readonly columns: number; readonly rows: number };
  /** Everything that root on the host may do. */
  readonly privileged?: boolean;
}

/**
 * The container's own process, with other arguments and what the options change. `root` is the container's root file
 * system, in which users are looked up.
 * @throws {Fault} `not_found` for a user that is not there, `invalid_argument` for an empty word as the program
 */
export function execProcess(base: ProcessSpec, options: ExecProcessOptions, root: string): ProcessSpec {
  const { terminal: _, consoleSize: __, ...process } = base;
  refuseEmptyProgram(options.args);
  const { args, env = [], cwd = base.cwd, terminal = false, consoleSize: size } = options;
  const names = new Set(env.map((entry) => entry.split("=", 1)[0]));
  // Containers of other clients may have none.
  const kept = (base.env ?? []).filter((entry) => !names.has(entry.split("=", 1)[0]));
  const hasTerm = kept.some((entry) => entry.startsWith("TERM="));
  return {
    ...process,
    args: [...args],
    env: [
      ...kept,
      ...(terminal && !hasTerm ? ["TERM=xterm"] : []),
      ...env.filter((entry) => entry.includes("=")),
    ],
    cwd,
    terminal,
    ...(terminal && size ? { consoleSize: { width: size.columns, height: size.rows } } : {}),
    ...(options.user === undefined ? {} : { user: resolveUser(options.user, root) }),
    ...(options.privileged ? { capabilities: privilegedCapabilities() } : {}),
  };
}
