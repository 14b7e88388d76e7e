import type { Client } from "@slipway/client/client";
import type { Container } from "@slipway/core/containers";
import type { Labels } from "@slipway/core/labels";
import { parseRestartPolicy, restartLabel } from "@slipway/core/restart";
import { hasCode } from "@slipway/fault/fault";
import { logUriLabel } from "@slipway/client/container-task";

/** The labels of a new container. It is kept running from its first start on. @throws {Fault} `invalid_argument` */
export function newRestartLabels(policy: string, logUri: string | undefined): Labels {
  if (policy === "" || parseRestartPolicy(policy).name === "no") return {};
  return {
    [restartLabel.policy]: policy,
    ...(logUri === undefined ? {} : { [restartLabel.logUri]: logUri }),
  };
}

/** The labels that change when a container gets another policy: nerdctl's, too. @throws {Fault} `invalid_argument` */
export function changedRestartLabels({ labels }: Container, policy: string, isRunning: boolean): Labels {
  parseRestartPolicy(policy);
  const uri = labels[logUriLabel];
  return {
    [restartLabel.policy]: policy === "" ? "no" : policy,
    ...(uri === undefined ? {} : { [restartLabel.logUri]: uri }),
    ...(isRunning ? { [restartLabel.status]: "running" } : {}),
  };
}

/** From now on the daemon keeps the container running. */
export async function markStarted(client: Client, id: string, labels: Labels): Promise<void> {
  if (labels[restartLabel.policy] === undefined) return;
  await mark(client, id, {
    [restartLabel.status]: "running",
    [restartLabel.explicitlyStopped]: "false",
    [restartLabel.count]: "",
  });
}

/** The daemon must not take the end for a failure. */
export async function markStopped(
  client: Client,
  { id, labels }: Pick<Container, "id" | "labels">,
): Promise<void> {
  if (labels[restartLabel.policy] === undefined) return;
  await mark(client, id, { [restartLabel.explicitlyStopped]: "true" });
}

async function mark(client: Client, id: string, changes: Labels): Promise<void> {
  try {
    const container = await client.containers.get(id);
    const update = { ...container, labels: { ...container.labels, ...changes } };
    await client.containers.update(
      update,
      Object.keys(changes).map((name) => `labels.${name}`),
    );
  } catch (error) {
    // `run --rm` may have been faster.
    if (!hasCode(error, "not_found")) throw error;
  }
}
