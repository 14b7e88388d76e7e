import { parseArgs } from "node:util";
import type { Overrides } from "./config/read.ts";

export interface Flags {
  readonly config?: string;
  readonly overrides: Overrides;
  readonly version: boolean;
  readonly help: boolean;
  /** A subcommand and its own arguments. */
  readonly rest: readonly string[];
}

const options = {
  config: { type: "string", short: "c" },
  "log-level": { type: "string", short: "l" },
  address: { type: "string", short: "a" },
  root: { type: "string" },
  state: { type: "string" },
  version: { type: "boolean", short: "v" },
  help: { type: "boolean", short: "h" },
} as const;

export const usage = `slipwayd [options] [command]

Commands:
  config default|dump|check|migrate   print or check the configuration
  publish                             publish an event that is read from stdin (for shims)

Options:
  -c, --config FILE       configuration (default /etc/slipway/config.toml, if it is there)
  -l, --log-level LEVEL   trace, debug, info, warn, error, fatal or panic
  -a, --address SOCKET    where the gRPC API is served
      --root FOLDER       what survives a reboot
      --state FOLDER      what does not
  -v, --version
  -h, --help
`;

/** containerd's flags: those before the subcommand are the daemon's. */
export function parseFlags(args: readonly string[]): Flags {
  const at = indexOfCommand(args);
  const { values } = parseArgs({ args: args.slice(0, at).map(longForm), options, strict: true });
  return {
    ...(values.config === undefined ? {} : { config: values.config }),
    overrides: {
      ...(values.root === undefined ? {} : { root: values.root }),
      ...(values.state === undefined ? {} : { state: values.state }),
      ...(values.address === undefined ? {} : { address: values.address }),
      ...(values["log-level"] === undefined ? {} : { level: values["log-level"] }),
    },
    version: values.version ?? false,
    help: values.help ?? false,
    rest: args.slice(at),
  };
}

/** Go programs know `-config` as well as `--config`. */
export function longForm(arg: string): string {
  return /^-[a-z][a-z-]+(=|$)/.test(arg) ? `-${arg}` : arg;
}

function indexOfCommand(args: readonly string[]): number {
  for (let index = 0; index < args.length; index++) {
    const arg = longForm(args[index] ?? "");
    if (!arg.startsWith("-")) return index;
    const name = arg.replace(/^--?/, "");
    const takesValue = Object.entries(options).some(
      ([long, option]) =>
        option.type === "string" && (name === long || ("short" in option && name === option.short)),
    );
    if (takesValue) index++;
  }
  return args.length;
}
