import { refuseMount } from "./refuse-mount.ts";

/** What `--mount` knows, and the shorter names of some of it. */
const fieldNames: Readonly<Record<string, string>> = {
  type: "type",
  source: "source",
  src: "source",
  target: "target",
  destination: "target",
  dst: "target",
  readonly: "readonly",
  ro: "readonly",
  consistency: "consistency",
  "bind-propagation": "bind-propagation",
  "bind-recursive": "bind-recursive",
  "bind-nonrecursive": "bind-nonrecursive",
  "volume-nocopy": "volume-nocopy",
  "volume-label": "volume-label",
  "volume-driver": "volume-driver",
  "tmpfs-size": "tmpfs-size",
  "tmpfs-mode": "tmpfs-mode",
};
const flags: ReadonlySet<string> = new Set(["readonly", "bind-nonrecursive", "volume-nocopy"]);
const yes: ReadonlySet<string> = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const no: ReadonlySet<string> = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/** The fields of a `--mount`, by their long names. */
export class MountFields {
  readonly #text: string;
  readonly #fields = new Map<string, string[]>();

  /** @throws {Fault} `invalid_argument` for a field that is not known or has no value */
  constructor(text: string) {
    this.#text = text;
    for (const part of commaSeparated(text)) {
      const [key = "", value] = part.split(/=(.*)/s);
      const name = fieldNames[key.toLowerCase()];
      if (name === undefined) refuseMount(text, `there is no field "${key}"`);
      if (value === undefined && !flags.has(name)) refuseMount(text, `field "${key}" has no value`);
      this.#fields.set(name, [...(this.#fields.get(name) ?? []), value ?? "true"]);
    }
  }

  /** The last value; undefined if there is none, or an empty one. */
  text(name: string): string | undefined {
    return this.#fields.get(name)?.at(-1) || undefined;
  }

  texts(name: string): readonly string[] {
    return this.#fields.get(name) ?? [];
  }

  /** @throws {Fault} `invalid_argument` */
  isSet(name: string): boolean {
    const value = this.#fields.get(name)?.at(-1) ?? "false";
    if (!yes.has(value) && !no.has(value))
      refuseMount(this.#text, `field "${name}" is true or false, not "${value}"`);
    return yes.has(value);
  }

  /** @throws {Fault} `invalid_argument` for a value that is not one of them */
  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.text(name);
    const found = values.find((one) => one === value);
    if (value !== undefined && found === undefined) {
      refuseMount(this.#text, `field "${name}" is ${values.join(", ")}, not "${value}"`);
    }
    return found;
  }

  /** @throws {Fault} `invalid_argument` for a field of another type of mount */
  refuseOthers(type: string): void {
    for (const name of this.#fields.keys()) {
      const [of = ""] = name.split("-", 1);
      if (name.includes("-") && of !== type)
        refuseMount(this.#text, `field "${name}" is not for type "${type}"`);
    }
  }
}

/** As in CSV, a part in double quotes may have commas. */
function commaSeparated(text: string): string[] {
  const parts = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)];
  return parts.map(([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain);
}
