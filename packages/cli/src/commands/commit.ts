import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { ImageProcessConfig } from "@slipway/oci/image";
import { newImageName } from "@slipway/oci/reference";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { taskOf } from "../containers/state.ts";
import { commitContainer } from "../images/commit-container.ts";

interface CommitFlags {
  readonly author?: string;
  readonly message?: string;
  readonly pause: boolean;
  readonly change: readonly string[];
}

export function configure(command: Command, cli: Cli): void {
  const many = (value: string, before: readonly string[]): string[] => [...before, value];
  command
    .argument("<container>", "name or id")
    .argument("<image>", "the new image's name")
    .option("-a, --author <name>", "who made it")
    .option("-m, --message <text>", "what it is")
    .option("--no-pause", "let the container go on meanwhile")
    .option("-c, --change <instruction>", 'CMD ["a"], ENTRYPOINT ["a"], USER or WORKDIR', many, [])
    .action(async (text: string, image: string, flags: CommitFlags) => {
      const name = newImageName(image);
      const changes: Partial<ImageProcessConfig> = Object.assign({}, ...flags.change.map(changeOf));
      const client = await cli.client();
      const container = await findContainer(client, text);
      const pauses = flags.pause && (await taskOf(client, container.id))?.status === "running";
      if (pauses) await client.tasks.pause(container.id);
      try {
        const { author, message } = flags;
        const { target } = await commitContainer(client, container, name, {
          ...(author === undefined ? {} : { author }),
          ...(message === undefined ? {} : { message }),
          changes,
        });
        process.stdout.write(`${target.digest}\n`);
      } finally {
        if (pauses) await client.tasks.resume(container.id);
      }
    });
}

/** The instructions of a Dockerfile that concern no files. */
function changeOf(instruction: string): Partial<ImageProcessConfig> {
  const [, word = "", rest = ""] = /^\s*(\w+)\s+(.*?)\s*$/s.exec(instruction) ?? [];
  const list = (): string[] => wordsOf(rest) ?? ["/bin/sh", "-c", rest];
  switch (word.toUpperCase()) {
    case "CMD":
      return { Cmd: list() };
    case "ENTRYPOINT":
      return { Entrypoint: list() };
    case "USER":
      return { User: rest };
    case "WORKDIR":
      return { WorkingDir: rest };
    default:
      throw new Fault(
        "invalid_argument",
        `Cannot use change "${instruction}": there are CMD, ENTRYPOINT, USER and WORKDIR`,
      );
  }
}

/** The words of the JSON form of CMD and ENTRYPOINT. As in a Dockerfile, what is no list of strings is a shell's line. */
function wordsOf(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((word): word is string => typeof word === "string");
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}
