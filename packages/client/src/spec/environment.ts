import { Fault } from "@slipway/fault/fault";

/** Variables of a process: by name, or as `NAME=value` each. */
export type Environment = readonly string[] | Readonly<Record<string, string>>;

/**
 * The variables as a runtime spec lists them, `NAME=value`.
 * @throws {Fault} `invalid_argument` for a name that is empty or has "=", and for a NUL byte
 */
export function environmentList(environment: Environment): string[] {
  const entries = isList(environment)
    ? [...environment]
    : Object.entries(environment).map(([name, value]) => {
        if (name.includes("="))
          throw new Fault("invalid_argument", `Cannot set variable "${name}": its name has "="`);
        return `${name}=${value}`;
      });
  for (const entry of entries) {
    if (entry === "" || entry.startsWith("=")) {
      throw new Fault("invalid_argument", `Cannot set variable "${entry}": it has no name`);
    }
    if (entry.includes("\0")) {
      throw new Fault("invalid_argument", `Cannot set variable ${JSON.stringify(entry)}: it has a NUL byte`);
    }
  }
  return entries;
}

function isList(environment: Environment): environment is readonly string[] {
  return Array.isArray(environment);
}
