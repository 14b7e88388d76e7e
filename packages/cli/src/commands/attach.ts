import { attachStreams } from "@slipway/client/process-streams";
import { Fault } from "@slipway/fault/fault";
import type { Command } from "commander";
import { attach } from "../attach/attach.ts";
import { parseDetachKeys } from "../attach/detach-keys.ts";
import { CaughtSignals } from "../attach/caught-signals.ts";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { stateWord, taskOf } from "../containers/state.ts";
import { addAttachFlags } from "../run/flags.ts";

interface AttachFlags {
  readonly detachKeys: string;
  readonly sigProxy: boolean;
  readonly stdin: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addAttachFlags(command)
    .argument("<container>", "name or id")
    .option("--no-stdin", "only watch")
    .action(async (name: string, flags: AttachFlags) => {
      parseDetachKeys(flags.detachKeys);
      const client = await cli.client();
      const { id } = await findContainer(client, name);
      const task = await taskOf(client, id);
      if (!task || stateWord(task) !== "running") {
        throw new Fault("failed_precondition", `Cannot attach to container "${name}": it is not running`);
      }
      using stdio = await attachStreams(task.io);
      // With a terminal, what is typed there goes to the container: signals mean this process, as in Docker.
      using signals = flags.sigProxy && !task.io.terminal ? new CaughtSignals() : undefined;
      signals?.hold();
      const { detachKeys, stdin: isTyping } = flags;
      const options = { detachKeys, isTyping, ...(signals ? { signals } : {}) };
      const result = await attach(client, { containerId: id }, stdio, options, async () => {});
      if (result.ended) cli.exit(result.exitCode);
      else stdio.leave();
    });
}
