import type { Command } from "commander";
import { hasCode } from "@slipway/fault/fault";
import { parsePlatform } from "@slipway/oci/platform";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { parseTemplate } from "../format/template.ts";
import { inspectContainer } from "../inspect/container.ts";
import { inspectImages } from "../inspect/image.ts";

interface InspectFlags {
  readonly format?: string;
  readonly type?: string;
  readonly mode: string;
  readonly platform?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<name...>", "containers or images")
    .option("-f, --format <template>", "json, or a template such as {{.State.Status}}")
    .option("--type <kind>", "container or image")
    .option("--platform <os/architecture>", "which of an image's platforms")
    .option("--mode <mode>", "dockercompat or native", "dockercompat")
    .action(async (names: readonly string[], { format, type, mode, platform }: InspectFlags) => {
      const client = await cli.client();
      const native = mode === "native";
      const wanted = platform === undefined ? undefined : parsePlatform(platform);
      const found: Record<string, unknown>[] = [];
      for (const name of names) {
        try {
          if (type === "image") throw new Error("not asked for");
          found.push(await inspectContainer(client, await findContainer(client, name), native));
        } catch (error) {
          if (type === "container" || (type === undefined && !hasCode(error, "not_found"))) throw error;
          found.push(...(await inspectImages(client, cli.globals.snapshotter, name, native, wanted)));
        }
      }
      if (format === undefined) process.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`);
      else {
        const show = format === "json" ? JSON.stringify : parseTemplate(format);
        for (const one of found) process.stdout.write(`${show(one)}\n`);
      }
    });
}
