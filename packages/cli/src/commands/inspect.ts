import type { Command } from "commander";
import { Fault, hasCode } from "@slipway/fault/fault";
import { formatSpecJson } from "@slipway/oci/spec-json";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { readPlatform } from "../images/platforms.ts";
import { failureText } from "../format/failure.ts";
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
      if (type !== undefined && type !== "container" && type !== "image") {
        throw new Fault("invalid_argument", `Cannot inspect type "${type}": there are container and image`);
      }
      if (mode !== "dockercompat" && mode !== "native") {
        throw new Fault("invalid_argument", `Cannot use --mode "${mode}": it is dockercompat or native`);
      }
      const client = await cli.client();
      const native = mode === "native";
      const wanted = platform ? readPlatform(platform) : undefined;
      const images = (name: string): Promise<Record<string, unknown>[]> =>
        inspectImages(client, cli.globals.snapshotter, name, native, wanted);
      const container = async (name: string): Promise<Record<string, unknown>[]> => [
        await inspectContainer(client, await findContainer(client, name), native),
      ];
      const look = type === "image" ? images : type === "container" ? container : either(container, images);
      const found: Record<string, unknown>[] = [];
      const failures: unknown[] = [];
      for (const name of names) {
        try {
          found.push(...(await look(name)));
        } catch (error) {
          failures.push(error);
        }
      }
      if (format === undefined) process.stdout.write(`${formatSpecJson(found, 4)}\n`);
      else {
        const show = format === "json" ? formatSpecJson : parseTemplate(format);
        for (const one of found) process.stdout.write(`${show(one)}\n`);
      }
      // What was found is shown all the same, as Docker does.
      for (const failure of failures) process.stderr.write(failureText(failure));
      if (failures.length > 0) cli.exit(1);
    });
}

type Look = (name: string) => Promise<Record<string, unknown>[]>;

/** What bears the name: a container, or else images. */
function either(container: Look, images: Look): Look {
  return async (name) => {
    try {
      return await container(name);
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
    }
    try {
      return await images(name);
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
      throw new Fault("not_found", `No such object: ${name}`, { cause: error });
    }
  };
}
