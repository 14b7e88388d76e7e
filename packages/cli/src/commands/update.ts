import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { forEachContainer } from "../containers/find.ts";
import { specAny, specOf } from "@slipway/client/spec-any";
import { taskOf } from "../containers/state.ts";
import { addResourceFlags, type ResourceFlags } from "../run/resource-flags.ts";
import { resourcesOf } from "../run/resources.ts";
import { changedRestartLabels } from "../lifecycle/restart-labels.ts";

interface UpdateFlags extends ResourceFlags {
  readonly restart?: string;
}

export function configure(command: Command, cli: Cli): void {
  addResourceFlags(command.argument("<container...>", "names or ids"))
    .option("--restart <policy>", "no, always, on-failure[:times] or unless-stopped")
    .action(async (names: readonly string[], flags: UpdateFlags) => {
      const changes = resourcesOf(flags);
      if (Object.keys(flags).length === 0) {
        throw new Fault("invalid_argument", "Cannot update: no flag says what is to change");
      }
      const client = await cli.client();
      await forEachContainer(client, names, async (container) => {
        const spec = specOf(container);
        const { resources } = spec.linux;
        const merged = {
          ...resources,
          ...(changes.memory ? { memory: { ...resources.memory, ...changes.memory } } : {}),
          ...(changes.cpu ? { cpu: { ...resources.cpu, ...changes.cpu } } : {}),
          ...(changes.pids ? { pids: changes.pids } : {}),
        };
        const running = (await taskOf(client, container.id))?.status;
        const isUp = running === "running" || running === "paused";
        const restart =
          flags.restart === undefined ? {} : changedRestartLabels(container, flags.restart, isUp);
        // The kernel may refuse: then nothing is written down.
        if (isUp && Object.keys(changes).length > 0) {
          const value = Buffer.from(JSON.stringify({ ...changes }));
          const typeUrl = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
          await client.tasks.update(container.id, { typeUrl, value });
        }
        const next = { ...spec, linux: { ...spec.linux, resources: merged } };
        const typeUrl = container.spec?.typeUrl ?? "";
        await client.containers.update(
          {
            ...container,
            labels: { ...container.labels, ...restart },
            spec: { typeUrl, value: specAny("Spec", next).value },
          },
          ["spec", ...Object.keys(restart).map((name) => `labels.${name}`)],
        );
      });
    });
}
