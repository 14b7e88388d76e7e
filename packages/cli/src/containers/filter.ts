import type { Container } from "@slipway/core/containers";
import { healthStateOf } from "@slipway/core/health";
import type { ProcessState } from "@slipway/core/tasks";
import { Fault } from "@slipway/fault/fault";
import { integerIn } from "@slipway/fault/read-number";
import { parseJson } from "@slipway/oci/documents/json-field";
import { mountsOfContainer } from "./container-mounts.ts";
import { nameLabel } from "./find.ts";
import { readable } from "./readable.ts";
import { containerStateWord } from "./state.ts";

/** A container and what it does. */
export interface Row {
  readonly container: Container;
  readonly task: ProcessState | undefined;
}

type Test = (row: Row) => boolean;

const healthStates = ["none", "starting", "healthy", "unhealthy"];
const states = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

/** What filters ask about that the containers themselves do not say. */
export interface FilterLookup {
  /** The container that `before` or `since` names. */
  findContainer(text: string): Promise<Container>;
  /** The names of images that are what `ancestor` names, or descend from it. */
  descendantsOf(text: string): Promise<ReadonlySet<string>>;
}

/**
 * What `ps --filter KEY=VALUE` asks for, as in Docker: all keys, of each key one of its values; of labels all.
 * @throws {Fault} `invalid_argument` for a key or a value that is not known
 */
export async function containerFilter(filters: readonly string[], lookup: FilterLookup): Promise<Test> {
  const byKey = new Map<string, Test[]>();
  for (const filter of filters) {
    const [, key = "", value] = /^([^=]+)=(.*)$/s.exec(filter) ?? [];
    if (value === undefined) refuse(filter, "it is not KEY=VALUE");
    const test = await testOf(key, value, lookup);
    // Each label has to be there.
    const group = key === "label" ? filter : key;
    byKey.set(group, [...(byKey.get(group) ?? []), test]);
  }
  return (row) => [...byKey.values()].every((tests) => tests.some((test) => test(row)));
}

async function testOf(key: string, value: string, lookup: FilterLookup): Promise<Test> {
  switch (key) {
    case "before":
    case "since": {
      const than = (await lookup.findContainer(value)).createdAt.getTime();
      const isWanted = (at: number): boolean => (key === "before" ? at < than : at > than);
      return ({ container }) => isWanted(container.createdAt.getTime());
    }
    case "ancestor": {
      const images = await lookup.descendantsOf(value);
      return ({ container }) => images.has(container.image);
    }
    case "status":
      if (!states.includes(value)) refuse(`status=${value}`, `states are ${states.join(", ")}`);
      return ({ container, task }) => containerStateWord(container, task) === value;
    case "exited":
      return exitTest(value);
    case "health":
      if (!healthStates.includes(value)) refuse(`health=${value}`, `states are ${healthStates.join(", ")}`);
      return ({ container }) => (healthStateOf(container.labels)?.status ?? "none") === value;
    default:
      return fieldTest(key, value);
  }
}

function exitTest(value: string): Test {
  const wanted = integerIn(value, { min: 0, max: 255 });
  if (wanted === undefined) refuse(`exited=${value}`, "it is not an exit code, which is 0 to 255");
  return ({ task }) => task?.exit?.exitStatus === wanted;
}

function fieldTest(key: string, value: string): Test {
  switch (key) {
    case "id":
      return ({ container }) => container.id.startsWith(value);
    case "name": {
      const pattern = patternOf(value);
      // Docker's names begin with a slash, which people write or leave out.
      return ({ container: { labels } }) => {
        const name = labels[nameLabel] ?? "";
        return pattern.test(name) || pattern.test(`/${name}`);
      };
    }
    case "label": {
      const [name = "", wanted] = value.split(/=(.*)/s);
      return ({ container: { labels } }) =>
        labels[name] !== undefined && (wanted === undefined || labels[name] === wanted);
    }
    case "network":
      return ({ container }) => (networksOf(container) as readonly string[]).includes(value);
    case "volume":
      return ({ container }) =>
        (readable(() => mountsOfContainer(container)) ?? []).some(({ source, target, name }) =>
          [source, target, name].includes(value),
        );
    default:
      return refuse(`${key}=${value}`, "the key is not known");
  }
}

/** The names of the networks that a container is in. */
export function networksOf({ labels }: Pick<Container, "labels">): string[] {
  const label = labels["nerdctl/networks"];
  if (label === undefined) return [];
  return readable(() => parseJson('label "nerdctl/networks"', label).texts()) ?? [];
}

function patternOf(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    return refuse(`name=${value}`, "it is no regular expression");
  }
}

function refuse(filter: string, why: string): never {
  throw new Fault("invalid_argument", `Cannot filter by "${filter}": ${why}`);
}
