import { compileFilters } from "@slipway/core/filters/filters";
import { Fault } from "@slipway/fault/fault";

/** What Docker calls what containerd tells under another name. */
const topics: Readonly<Record<string, string>> = {
  destroy: "delete",
  die: "exit",
  exec_create: "exec-added",
  exec_start: "exec-started",
  pause: "paused",
  unpause: "resumed",
};

const kinds: Readonly<Record<string, string>> = {
  container: "^/(containers|tasks)/",
  image: "^/images/",
};

/**
 * containerd's filters for those of `events --filter`: Docker's `container=`, `event=` and `type=`, of each of which one has to
 * hold, and containerd's own. `idOf` gives the id of a container's name.
 */
export async function eventFilters(
  filters: readonly string[],
  idOf: (name: string) => Promise<string>,
): Promise<string[]> {
  const byKey = new Map<string, string[]>();
  for (const filter of filters) {
    const [, key = "", value = ""] = /^(container|event|type)=([\w.-]+)$/.exec(filter) ?? [];
    if (key === "") checkFilter(filter);
    const alternatives = key === "" ? [filter] : await alternativesOf(key, value, idOf);
    byKey.set(key, [...(byKey.get(key) ?? []), ...alternatives]);
  }
  // What has to hold together is one filter, and any of several filters is enough.
  return [...byKey.values()].reduce<string[]>(
    (all, alternatives) =>
      all.flatMap((before) => alternatives.map((one) => (before === "" ? one : `${before},${one}`))),
    [""],
  );
}

/** The daemon's own answer would show more than was typed. */
function checkFilter(filter: string): void {
  const cannot = `Cannot filter by "${filter}": it has none of the keys container, event and type`;
  try {
    compileFilters([filter]);
  } catch (error) {
    throw new Fault("invalid_argument", `${cannot}, and is no filter of containerd's`, { cause: error });
  }
  if (filter.trim() === "") throw new Fault("invalid_argument", cannot);
}

async function alternativesOf(
  key: string,
  value: string,
  idOf: (name: string) => Promise<string>,
): Promise<string[]> {
  if (key === "event") return [`topic~="/${topics[value] ?? value}$"`];
  if (key === "type") return [`topic~="${kinds[value] ?? `^/${value}/`}"`];
  const id = await idOf(value);
  // Events of tasks and of containers have it in different fields.
  return [`event.container_id==${id}`, `event.id==${id}`];
}
