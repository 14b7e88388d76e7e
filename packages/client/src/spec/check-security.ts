import { Fault } from "@slipway/fault/fault";
import type { DeviceRuleSpec, NamespaceKind } from "@slipway/oci/runtime-spec";
import { readAccess } from "./device-rules.ts";
import type { ContainerDevice } from "./devices.ts";
import type { ContainerSpecOptions } from "./container-spec.ts";

const kinds: ReadonlySet<unknown> = new Set<NamespaceKind>([
  "pid",
  "network",
  "mount",
  "ipc",
  "uts",
  "user",
  "cgroup",
  "time",
] as const);
const systemPaths: ReadonlySet<unknown> = new Set(["default", "unconfined"]);
const seccompWords: ReadonlySet<unknown> = new Set(["default", "unconfined"]);
const deviceTypes: ReadonlySet<unknown> = new Set(["b", "c", "u", "p"]);

const switches = ["privileged", "noNewPrivileges", "writableCgroups", "hostDevices", "readOnly"] as const;

/**
 * Checks the options that a container's confinement depends on. Callers in JavaScript, and those whose values come from a
 * file, have no types: `privileged: "false"` would be taken for true, and a misspelt word for none.
 * @throws {Fault} `invalid_argument`
 */
export function checkSecurity(options: ContainerSpecOptions): void {
  for (const name of switches) {
    expect(name, options[name], (value) => typeof value === "boolean", "true or false");
  }
  const { seccomp, apparmorProfile, sharedNamespaces, devices, deviceRules } = options;
  expect("systemPaths", options.systemPaths, (value) => systemPaths.has(value), "default or unconfined");
  const isProfile = (value: unknown): boolean => typeof value === "object" || seccompWords.has(value);
  expect("seccomp", seccomp, isProfile, "default, unconfined or a profile");
  expect("apparmorProfile", apparmorProfile, isName, "the name of a profile");
  for (const name of ["capAdd", "capDrop"] as const) {
    expect(name, options[name], (value) => isListOf(value, isText), "a list of names");
  }
  const isKind = (value: unknown): boolean => kinds.has(value);
  expect("sharedNamespaces", sharedNamespaces, (value) => isListOf(value, isKind), "a list of namespaces");
  expect("devices", devices, (value) => isListOf(value, () => true), "a list of devices");
  for (const device of devices ?? []) checkDevice(device);
  expect("deviceRules", deviceRules, (value) => isListOf(value, () => true), "a list of rules");
  for (const rule of deviceRules ?? []) checkRule(rule);
}

function checkDevice(device: ContainerDevice): void {
  const { path, type, major, minor } = device;
  const isNode = deviceTypes.has(type) && Number.isInteger(major) && Number.isInteger(minor);
  if (isNode && typeof path === "string" && path.startsWith("/")) return;
  throw refused("devices", device, "a device with path, type, major and minor");
}

function checkRule(rule: DeviceRuleSpec): void {
  const { allow, type = "a", major = 0, minor = 0, access = "rwm" } = rule;
  const isRule = typeof allow === "boolean" && ["a", "b", "c"].includes(type);
  if (!isRule || !Number.isInteger(major) || !Number.isInteger(minor)) {
    throw refused("deviceRules", rule, "a rule with allow, type, major, minor and access");
  }
  readAccess(`device rule ${JSON.stringify(rule)}`, access);
}

function isListOf(value: unknown, isOne: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function expect(name: string, value: unknown, isFine: (value: unknown) => boolean, wanted: string): void {
  if (value !== undefined && !isFine(value)) throw refused(name, value, wanted);
}

function refused(name: string, value: unknown, wanted: string): Fault {
  const shown = (JSON.stringify(value) ?? String(value)).slice(0, 100);
  return new Fault("invalid_argument", `Cannot use option "${name}": ${shown} is not ${wanted}`);
}
