import { mkdirSync, statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { Fault } from "@slipway/fault/fault";
import type { MountSpec } from "@slipway/oci/runtime-spec";
import { parseSize } from "../format/size.ts";

const propagations = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);

/** `-v SOURCE:DESTINATION[:OPTIONS]`. A source that is missing is made, as Docker does. */
export function volumeMount(text: string): MountSpec {
  const [source, destination, words = "", ...more] = text.split(":");
  if (more.length > 0 || !source || !destination || !isAbsolute(destination)) {
    throw new Fault("invalid_argument", `Cannot mount "${text}": it is not SOURCE:/DESTINATION[:OPTIONS]`);
  }
  if (!/^[./~]/.test(source)) {
    throw new Fault("unimplemented", `Cannot mount "${text}": there are no named volumes yet; name a folder`);
  }
  const path = resolve(source);
  if (!statSync(path, { throwIfNoEntry: false })) mkdirSync(path, { recursive: true });
  return bind(path, destination, words.split(",").filter(Boolean));
}

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
  "bind-propagation": "bind-propagation",
  "bind-recursive": "bind-recursive",
  "bind-nonrecursive": "bind-nonrecursive",
  consistency: "consistency",
  "tmpfs-size": "tmpfs-size",
  "tmpfs-mode": "tmpfs-mode",
};

/** `--mount type=bind,source=/data,target=/data,readonly`. @throws {Fault} */
export function typedMount(text: string): MountSpec {
  const fields = fieldsOf(text);
  const [type, source, target] = ["type", "source", "target"].map((name) => fields.get(name));
  const readOnly = fields.has("readonly") && !["false", "0"].includes(fields.get("readonly") ?? "");
  if (!target || !isAbsolute(target)) refuse(text, "target has to be an absolute path");
  if (type === "tmpfs") return tmpfs(target, tmpfsOptions(fields, readOnly));
  if (type !== "bind" || !source) refuse(text, "only bind, with a source, and tmpfs are possible");
  if (!statSync(source, { throwIfNoEntry: false })) {
    throw new Fault("not_found", `Cannot mount "${source}": there is no such file or folder`);
  }
  const propagation = fields.get("bind-propagation");
  const isFlat = fields.get("bind-nonrecursive") === "true" || fields.get("bind-recursive") === "disabled";
  const words = [...(readOnly ? ["ro"] : []), ...(propagation ? [propagation] : [])];
  return bind(resolve(source), target, words, isFlat ? "bind" : "rbind");
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of commaSeparated(text)) {
    const [key, value] = splitAt(part, "=");
    const name = fieldNames[key.toLowerCase()];
    if (name === undefined) refuse(text, `there is no field "${key}"`);
    if (!part.includes("=") && name !== "readonly" && name !== "bind-nonrecursive") {
      refuse(text, `field "${key}" has no value`);
    }
    fields.set(name, value);
  }
  return fields;
}

/** As in CSV, a part in double quotes may have commas. */
function commaSeparated(text: string): string[] {
  const parts = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)];
  return parts.map(([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain);
}

function tmpfsOptions(fields: ReadonlyMap<string, string>, readOnly: boolean): string[] {
  const [size, mode] = [fields.get("tmpfs-size"), fields.get("tmpfs-mode")];
  return [...(readOnly ? ["ro"] : []), ...(size ? [`size=${size}`] : []), ...(mode ? [`mode=${mode}`] : [])];
}

/** `--shm-size`. @throws {Fault} `invalid_argument` */
export function sharedMemory(size: string): MountSpec {
  const bytes = parseSize(size);
  if (!bytes) throw new Fault("invalid_argument", `Cannot read --shm-size "${size}": it is no size`);
  const options = ["nosuid", "noexec", "nodev", "mode=1777", `size=${bytes}`];
  return { destination: "/dev/shm", type: "tmpfs", source: "shm", options };
}

function refuse(mount: string, why: string): never {
  throw new Fault("invalid_argument", `Cannot mount "${mount}": ${why}`);
}

/** `--tmpfs PATH[:OPTIONS]`. */
export function tmpfsMount(text: string): MountSpec {
  const [path, options] = splitAt(text, ":");
  if (!isAbsolute(path)) refuse(text, "it has to be an absolute path");
  return tmpfs(path, options ? options.split(",") : []);
}

function bind(
  source: string,
  destination: string,
  words: readonly string[],
  how: "bind" | "rbind" = "rbind",
): MountSpec {
  const access = words.includes("ro") || words.includes("readonly") ? "ro" : "rw";
  const propagation = words.find((word) => propagations.has(word)) ?? "rprivate";
  const unknown = words.find(
    (word) => !propagations.has(word) && !["ro", "rw", "readonly", "z", "Z", "rro"].includes(word),
  );
  if (unknown)
    throw new Fault("invalid_argument", `Cannot mount "${source}": option "${unknown}" is not known`);
  return { destination, type: "bind", source, options: [how, access, propagation] };
}

function tmpfs(destination: string, options: readonly string[]): MountSpec {
  return {
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options: [...new Set(["noexec", "nosuid", "nodev", ...options])].filter(
      (option, _, all) => !(option === "noexec" && all.includes("exec")),
    ),
  };
}

function splitAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
