import { isAnonymous, type Volume } from "@slipway/core/volumes";
import { Fault } from "@slipway/fault/fault";

/**
 * What `--filter KEY=VALUE` asks for, as in Docker: `name`, of which a part is enough, `label`, `driver` and `dangling`. Each
 * label has to be there, of the other keys one value.
 * @throws {Fault} `invalid_argument`
 */
export function volumeFilter(
  filters: readonly string[],
  users: ReadonlyMap<string, string>,
): (volume: Volume) => boolean {
  const tests = filters.map((filter) => {
    const [key = "", value] = filter.split(/=(.*)/s);
    if (value === undefined) throw refused(filter, "it is not KEY=VALUE");
    return { group: key === "label" ? filter : key, test: testOf(filter, key, value, users) };
  });
  const groups = Map.groupBy(tests, ({ group }) => group);
  return (volume) => [...groups.values()].every((some) => some.some(({ test }) => test(volume)));
}

function testOf(
  filter: string,
  key: string,
  value: string,
  users: ReadonlyMap<string, string>,
): (volume: Volume) => boolean {
  switch (key) {
    case "name":
      return ({ name }) => name.includes(value);
    case "driver":
      return () => value === "local";
    case "label": {
      const [name = "", wanted] = value.split(/=(.*)/s);
      return ({ labels }) => labels[name] !== undefined && (wanted === undefined || labels[name] === wanted);
    }
    case "anonymous":
      return (volume) => isAnonymous(volume) === flagOf(filter, value);
    case "dangling":
      return ({ name }) => users.has(name) !== flagOf(filter, value);
    default:
      throw refused(filter, "the keys are name, label, driver, dangling and anonymous");
  }
}

function flagOf(filter: string, value: string): boolean {
  if (["true", "1"].includes(value)) return true;
  if (["false", "0"].includes(value)) return false;
  throw refused(filter, "it is true or false");
}

function refused(filter: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot filter by "${filter}": ${why}`);
}
