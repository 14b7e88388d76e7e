import { messageOf } from "@slipway/fault/fault";
import { type Flags, parseFlags } from "./flags.ts";

async function main(args: readonly string[]): Promise<void> {
  try {
    await run(parseFlags(args));
  } catch (error) {
    process.stderr.write(`containerd-shim-slipway-v1: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}

async function run(flags: Flags): Promise<void> {
  if (flags.isVersion) {
    const { printVersion } = await import("./commands/version.ts");
    return printVersion();
  }
  if (flags.isInfo) {
    const { printInfo } = await import("./commands/info.ts");
    return printInfo();
  }
  if (flags.namespace === "") throw new Error("shim namespace cannot be empty");
  switch (flags.action) {
    case "start": {
      const { start } = await import("./commands/start.ts");
      return await start(flags);
    }
    case "delete": {
      const { deleteDead } = await import("./commands/delete.ts");
      return await deleteDead(flags);
    }
    default: {
      const { serveShim } = await import("./commands/serve.ts");
      return await serveShim(flags);
    }
  }
}

void main(process.argv.slice(2));
