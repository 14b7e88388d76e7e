import { mkdirSync, statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { Fault } from "@slipway/fault/fault";
import type { MountSpec } from "@slipway/oci/runtime-spec";

const propagations = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);

/** `-v SOURCE:DESTINATION[:OPTIONS]`. A source that is missing is made, as Docker does. */
export function volumeMount(text: string): MountSpec {
  const [source, destination, words = ""] = text.split(":");
  if (!source || !destination || !isAbsolute(destination)) {
    throw new Fault("invalid_argument", `Cannot mount "${text}": it is not SOURCE:/DESTINATION[:OPTIONS]`);
  }
  if (!/^[./~]/.test(source)) {
    throw new Fault("unimplemented", `Cannot mount "${text}": there are no named volumes yet; name a folder`);
  }
  const path = resolve(source);
  if (!statSync(path, { throwIfNoEntry: false })) mkdirSync(path, { recursive: true });
  return bind(path, destination, words.split(",").filter(Boolean));
}

/** `--mount type=bind,source=/data,target=/data,readonly`. */
export function typedMount(text: string): MountSpec {
  const fields = new Map(text.split(",").map((part) => splitAt(part, "=")));
  const get = (...names: readonly string[]): string | undefined =>
    names.map((name) => fields.get(name)).find((value) => value !== undefined);
  const type = get("type") ?? "volume";
  const target = get("target", "destination", "dst");
  const readOnly = ["readonly", "ro"].some((name) => fields.has(name) && fields.get(name) !== "false");
  if (!target) throw new Fault("invalid_argument", `Cannot mount "${text}": target is missing`);
  if (type === "tmpfs") {
    const size = get("tmpfs-size");
    const mode = get("tmpfs-mode");
    return tmpfs(target, [
      ...(readOnly ? ["ro"] : []),
      ...(size ? [`size=${size}`] : []),
      ...(mode ? [`mode=${mode}`] : []),
    ]);
  }
  const source = get("source", "src");
  if (type !== "bind" || !source) {
    throw new Fault(
      "invalid_argument",
      `Cannot mount "${text}": only bind, with a source, and tmpfs are possible`,
    );
  }
  if (!statSync(source, { throwIfNoEntry: false })) {
    throw new Fault("not_found", `Cannot mount "${source}": there is no such file or folder`);
  }
  const propagation = get("bind-propagation");
  return bind(resolve(source), target, [...(readOnly ? ["ro"] : []), ...(propagation ? [propagation] : [])]);
}

/** `--tmpfs PATH[:OPTIONS]`. */
export function tmpfsMount(text: string): MountSpec {
  const [path, options] = splitAt(text, ":");
  return tmpfs(path, options ? options.split(",") : []);
}

function bind(source: string, destination: string, words: readonly string[]): MountSpec {
  const access = words.includes("ro") || words.includes("readonly") ? "ro" : "rw";
  const propagation = words.find((word) => propagations.has(word)) ?? "rprivate";
  const unknown = words.find(
    (word) => !propagations.has(word) && !["ro", "rw", "readonly", "z", "Z", "rro"].includes(word),
  );
  if (unknown)
    throw new Fault("invalid_argument", `Cannot mount "${source}": option "${unknown}" is not known`);
  return { destination, type: "bind", source, options: ["rbind", access, propagation] };
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
