import { existsSync } from "node:fs";
import type { Table } from "@slipway/core/config/table-reader";
import { messageOf } from "@slipway/fault/fault";
import type { DaemonConfig } from "./config/config.ts";
import { readConfig } from "./config/read.ts";
import { type Flags, parseFlags, usage } from "./flags.ts";
import { createLogger, writeToStderr } from "./logging/logger.ts";
import { revision, version } from "./version.ts";

const defaultConfig = "/etc/slipway/config.toml";

/** slipwayd's command line. @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  try {
    const flags = parseFlags(args);
    if (flags.help) return print(usage);
    if (flags.version) return print(`slipwayd github.com/slipway/slipway ${version} ${revision}`.trimEnd());
    const [command, ...rest] = flags.rest;
    switch (command) {
      case undefined:
        return await serveUntilStopped(flags);
      case "config": {
        const { configCommand } = await import("./commands/config.ts");
        return print(await configCommand(rest, flags, configFile(flags)));
      }
      case "publish": {
        const { publishCommand } = await import("./commands/publish.ts");
        await publishCommand(rest, (await load(flags)).config.grpc.address);
        return 0;
      }
      default:
        throw new Error(`Cannot run "${command}": there is no such command`);
    }
  } catch (error) {
    writeToStderr(`slipwayd: ${messageOf(error)}\n`);
    return 1;
  }
}

async function serveUntilStopped(flags: Flags): Promise<number> {
  const { config, warnings } = await load(flags);
  const log = createLogger(config.log);
  for (const warning of warnings) log.warn(warning);
  const { runDaemon } = await import("./daemon.ts");
  try {
    await runDaemon(config, log);
    return 0;
  } catch (error) {
    log.error("cannot start", { error });
    writeToStderr(`slipwayd: ${messageOf(error)}\n`);
    return 1;
  }
}

async function load(flags: Flags): Promise<{ config: DaemonConfig; warnings: string[] }> {
  const file = configFile(flags);
  let tables: Table = {};
  if (file !== undefined) {
    // The TOML parser is loaded for those who have a file.
    const { loadTables } = await import("./config/load.ts");
    tables = loadTables(file);
  }
  return readConfig(tables, flags.overrides);
}

/** A file that was asked for must be there; the default one need not. */
function configFile(flags: Flags): string | undefined {
  return flags.config ?? (existsSync(defaultConfig) ? defaultConfig : undefined);
}

function print(text: string): number {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  return 0;
}
