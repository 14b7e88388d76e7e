import { randomBytes } from "node:crypto";
import { isAbsolute } from "node:path";
import type { Command } from "commander";
import { Stdio } from "@slipway/client/stdio";
import { execProcess } from "@slipway/client/exec-process";
import { specAny } from "@slipway/client/spec-any";
import { Fault } from "@slipway/fault/fault";
import { attach } from "../attach/attach.ts";
import { parseDetachKeys } from "../attach/detach-keys.ts";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { specOf } from "@slipway/client/spec-any";
import { taskOf } from "../containers/state.ts";
import { environmentOf } from "../run/environment.ts";

interface ExecFlags {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly detach?: boolean;
  readonly workdir?: string;
  readonly env: readonly string[];
  readonly envFile: readonly string[];
  readonly privileged?: boolean;
  readonly user?: string;
  readonly detachKeys: string;
}

export function configure(command: Command, cli: Cli): void {
  const many = (value: string, before: readonly string[]): string[] => [...before, value];
  command
    .argument("<container>", "name or id")
    .argument("<command...>", "what to run in it")
    .passThroughOptions()
    .option("-i, --interactive", "keep the input open")
    .option("-t, --tty", "give it a terminal")
    .option("-d, --detach", "leave it running")
    .option("-w, --workdir <path>", "the working directory")
    .option(
      "-e, --env <name=value>",
      "set an environment variable, or pass one on; removes it if it is not set here",
      many,
      [],
    )
    .option("--env-file <file>", "set environment variables from a file", many, [])
    .option("--privileged", "give it all of root's power")
    .option("-u, --user <user>", "who runs it: name or uid, with :group or :gid")
    .option("--detach-keys <keys>", "what to type to leave it running", "ctrl-p,ctrl-q")
    .action(async (name: string, args: readonly string[], flags: ExecFlags) => {
      parseDetachKeys(flags.detachKeys);
      const client = await cli.client();
      const container = await findContainer(client, name);
      const task = await taskOf(client, container.id);
      if (task?.status !== "running") {
        throw new Fault(
          "failed_precondition",
          `cannot exec in a stopped container: "${name}" is not running`,
        );
      }
      const { tty = false, interactive = false, detach = false } = flags;
      const { workdir, user, privileged = false } = flags;
      if (workdir && !isAbsolute(workdir)) {
        throw new Fault("invalid_argument", `Cannot use --workdir "${workdir}": it is not an absolute path`);
      }
      const process_ = execProcess(
        specOf(container).process,
        {
          args,
          env: environmentOf(flags.env, flags.envFile, process.env),
          ...(workdir ? { cwd: workdir } : {}),
          ...(user === undefined ? {} : { user }),
          terminal: tty,
          ...(process.stdout.isTTY ? { consoleSize: process.stdout } : {}),
          privileged,
        },
        `/proc/${task.pid}/root`,
      );
      const spec = specAny("Process", process_);
      const ref = { containerId: container.id, execId: `exec-${randomBytes(16).toString("hex")}` };
      if (detach) {
        const io = { stdin: "", stdout: "", stderr: "", terminal: tty };
        await client.tasks.exec(container.id, ref.execId, { io, spec });
        await client.tasks.start(ref);
        return;
      }
      using stdio = Stdio.open({ terminal: tty, stdin: interactive });
      await client.tasks.exec(container.id, ref.execId, { io: stdio.io, spec });
      const options = { detachKeys: flags.detachKeys };
      const result = await attach(client, ref, stdio, options, () => client.tasks.start(ref));
      if (!result.ended) return stdio.leave();
      await client.tasks.deleteProcess(container.id, ref.execId);
      cli.exit(result.exitCode);
    });
}
