import { readFileSync } from "node:fs";
import type { ContainerSpecOptions } from "@slipway/client/container-spec";
import { Fault } from "@slipway/fault/fault";
import { readTextFile } from "../format/read-text-file.ts";

type SecurityOptions = Pick<
  ContainerSpecOptions,
  "apparmorProfile" | "hostDevices" | "noNewPrivileges" | "seccomp" | "systemPaths" | "writableCgroups"
>;

/**
 * Reads `--security-opt`: Docker's `KEY=VALUE`, and its older `KEY:VALUE`. Of several of one key, the last one counts.
 * @throws {Fault} `invalid_argument` for what is not known, or not possible here: it must not be left out
 */
export function securityOptions(words: readonly string[], isPrivileged: boolean): SecurityOptions {
  const options: SecurityOptions = Object.assign({}, ...words.map(securityOption));
  if (options.hostDevices === false && !isPrivileged) {
    throw refused("privileged-without-host-devices", "it needs --privileged");
  }
  return options;
}

function securityOption(word: string): SecurityOptions {
  const { key, value } = keyAndValue(word);
  switch (key) {
    case "no-new-privileges":
      return { noNewPrivileges: switched(word, value) };
    case "writable-cgroups":
      return { writableCgroups: switched(word, value) };
    case "privileged-without-host-devices":
      return switched(word, value) ? { hostDevices: false } : {};
    case "seccomp":
      return { seccomp: seccompChoice(word, value) };
    case "apparmor":
      return apparmor(word, value);
    case "systempaths":
      if (value !== "unconfined") throw refused(word, "systempaths can only be unconfined");
      return { systemPaths: value };
    case "label":
      // SELinux's: without it there is nothing to switch off.
      if (value !== "disable") throw refused(word, "of SELinux labels, only label=disable is possible");
      return {};
    default:
      throw refused(word, "it is not known");
  }
}

function keyAndValue(word: string): { readonly key: string; readonly value: string | undefined } {
  const at = word.includes("=") ? word.indexOf("=") : word.indexOf(":");
  return at < 0 ? { key: word, value: undefined } : { key: word.slice(0, at), value: word.slice(at + 1) };
}

/** As Go's ParseBool; a key alone means yes. */
function switched(word: string, value = "true"): boolean {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw refused(word, `"${value}" is neither true nor false`);
}

function seccompChoice(word: string, value = ""): NonNullable<SecurityOptions["seccomp"]> {
  if (value === "") throw refused(word, "seccomp is builtin, unconfined or the path of a profile");
  if (value === "unconfined") return value;
  if (value === "builtin") return "default";
  const document = `seccomp profile "${value}"`;
  return { document, json: readTextFile(document, value) };
}

/** Profiles that are loaded, one a line with its mode; there is no such file without AppArmor. */
const loadedProfiles = "/sys/kernel/security/apparmor/profiles";

function apparmor(word: string, value = ""): SecurityOptions {
  if (value === "") throw refused(word, "apparmor is unconfined or the name of a profile");
  if (value === "unconfined") return {};
  let loaded: string;
  try {
    loaded = readFileSync(loadedProfiles, "utf8");
  } catch (error) {
    throw refused(word, "this machine has no AppArmor", error);
  }
  const names = loaded.split("\n").map((line) => line.replace(/ \([a-z]+\)$/, ""));
  if (!names.includes(value)) throw refused(word, "no AppArmor profile of this name is loaded");
  return { apparmorProfile: value };
}

function refused(word: string, why: string, cause?: unknown): Fault {
  return new Fault("invalid_argument", `Cannot use security option "${word}": ${why}`, { cause });
}
