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

/** As many as Docker stops and removes at once, about: a task's calls are short, its end may be long. */
export const MANY = 32;

/**
 * Does something with each of several containers, with so many at once; goes on after a failure, and fails in the end.
 * Names are printed in their order.
 */
export async function forEachContainer(
  client: Client,
  names: readonly string[],
  work: (container: Container) => Promise<void>,
  atOnce = 1,
): Promise<void> {
  const failures: unknown[] = [];
  for (let begin = 0; begin < names.length; begin += atOnce) {
    const together = names.slice(begin, begin + atOnce);
    const results = await Promise.allSettled(
      together.map(async (name) => await work(await findContainer(client, name))),
    );
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") process.stdout.write(`${together[index]}\n`);
      else {
        failures.push(result.reason);
        if (names.length > 1) process.stderr.write(failureText(result.reason));
      }
    }
  }
  if (failures.length === 0) return;
  if (names.length === 1) throw failures[0];
  throw new Fault("unknown", `${failures.length} of ${names.length} containers failed`);
}
