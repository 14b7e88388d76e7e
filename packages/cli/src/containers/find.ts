import type { Client } from "@slipway/client/client";
import type { Container } from "@slipway/core/containers";
import { Fault } from "@slipway/fault/fault";
import { failureText } from "../format/failure.ts";

export const nameLabel = "nerdctl/name";

/**
 * The container of this name, id, or beginning of an id.
 * @throws {Fault} `not_found`, `invalid_argument` when several begin so
 */
export async function findContainer(client: Client, text: string): Promise<Container> {
  // Names and ids have no characters that a filter would not take as they are.
  const filters = /^[\w.-]+$/.test(text) ? [`labels."${nameLabel}"==${text}`, `id~="^${text}"`] : [];
  const found = filters.length > 0 ? await client.containers.list(filters) : [];
  const exact = found.find(({ id, labels }) => id === text || labels[nameLabel] === text);
  const [first, second] = found;
  if (exact) return exact;
  if (!first) throw new Fault("not_found", `no such container: ${text}`);
  if (second) throw new Fault("invalid_argument", `several containers have an id that begins with "${text}"`);
  return first;
}

/** Does something with each of several containers; goes on after a failure, and fails in the end. */
export async function forEachContainer(
  client: Client,
  names: readonly string[],
  work: (container: Container) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      const container = await findContainer(client, name);
      await work(container);
      process.stdout.write(`${name}\n`);
    } catch (error) {
      failures.push(error);
      if (names.length > 1) process.stderr.write(failureText(error));
    }
  }
  if (failures.length === 0) return;
  if (names.length === 1) throw failures[0];
  throw new Fault("unknown", `${failures.length} of ${names.length} containers failed`);
}
