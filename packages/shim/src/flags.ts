import { Fault } from "@slipway/fault/fault";

/** What containerd, or our own daemon, says on a shim's command line. */
export interface Flags {
  /** `start`, `delete`, `serve`, or "" for the server that `start` leaves behind. */
  readonly action: string;
  readonly namespace: string;
  readonly id: string;
  /** The daemon's gRPC address. */
  readonly address: string;
  readonly bundle: string;
  readonly publishBinary: string;
  /** Of `serve`: where to listen, where to forward events to, runc's root. */
  readonly socket: string;
  readonly state: string;
  /** Of a server: the ids of containers to take over, with commas between them, and the folder of their bundles. */
  readonly adopt: string;
  readonly bundles: string;
  readonly events: string;
  readonly runtimeRoot: string;
  readonly isDebug: boolean;
  readonly isVersion: boolean;
  readonly isInfo: boolean;
}

const booleans = new Set(["debug", "v", "version", "info"]);

/** Reads flags as Go's flag package does: one dash or two, a value after a blank or "=". */
export function parseFlags(args: readonly string[]): Flags {
  const values = new Map<string, string>();
  let action = "";
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? "";
    const match = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(arg);
    if (!match) {
      action = arg;
      continue;
    }
    const [, name = "", value] = match;
    if (value !== undefined) values.set(name, value);
    else if (booleans.has(name)) values.set(name, "true");
    else if (index + 1 < args.length) values.set(name, args[(index += 1)] ?? "");
    else throw new Fault("invalid_argument", `flag needs an argument: -${name}`);
  }
  const text = (name: string): string => values.get(name) ?? "";
  const flag = (name: string): boolean => ["true", "1"].includes(text(name));
  return {
    action,
    namespace: text("namespace"),
    id: text("id"),
    address: text("address"),
    bundle: text("bundle"),
    publishBinary: text("publish-binary"),
    socket: text("socket"),
    state: text("state"),
    adopt: text("adopt"),
    bundles: text("bundles"),
    events: text("events"),
    runtimeRoot: text("runtime-root"),
    isDebug: flag("debug"),
    isVersion: flag("v") || flag("version"),
    isInfo: flag("info"),
  };
}
