import type { Client } from "@slipway/client/client";

/** The flags before the command, and the environment behind them. */
export interface Globals {
  readonly address: string;
  readonly namespace: string;
  readonly snapshotter: string;
  /** Whether slipwayd is started when nothing answers at the address. */
  readonly startsDaemon: boolean;
}

/** What a command is given. */
export interface Cli {
  readonly globals: Globals;
  /** The daemon; slipwayd is started when none answers. Closed when the command has ended. */
  client(): Promise<Client>;
  /** What the process ends with; 0 unless set. */
  exit(code: number): void;
}

/** The flags' values, or what the environment has. */
export function globalsOf(
  flags: {
    readonly address?: string;
    readonly host?: string;
    readonly namespace?: string;
    readonly snapshotter?: string;
  },
  environment: NodeJS.ProcessEnv,
): Globals {
  const named = flags.address ?? flags.host ?? environment["SLIPWAY_ADDRESS"];
  const foreign = named === undefined ? environment["CONTAINERD_ADDRESS"] : undefined;
  return {
    address: named ?? foreign ?? "/run/slipway/slipway.sock",
    namespace: flags.namespace ?? environment["CONTAINERD_NAMESPACE"] ?? "default",
    snapshotter: flags.snapshotter ?? environment["CONTAINERD_SNAPSHOTTER"] ?? "overlayfs",
    startsDaemon: foreign === undefined,
  };
}
