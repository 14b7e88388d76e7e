import { Fault } from "@slipway/fault/fault";
import { readInteger } from "@slipway/fault/read-number";
import type { DeviceRuleSpec } from "@slipway/oci/runtime-spec";
import type { ContainerDevice } from "./devices.ts";

/** `r`, `w`, `m` or several of them: reading, writing, making the node. */
export type DeviceAccess = string;

/** @param what is named in the error, such as `device "/dev/sda:q"` @throws {Fault} `invalid_argument` */
export function readAccess(what: string, text: string): DeviceAccess {
  if (/^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length) return text;
  throw new Fault("invalid_argument", `Cannot use ${what}: "${text}" are no rights, which are r, w and m`);
}

/** Which devices a container may use: those that every container has, `devices`, and what further rules allow. */
export function deviceRules(
  devices: readonly ContainerDevice[],
  privileged: boolean,
  further: readonly DeviceRuleSpec[] = [],
): DeviceRuleSpec[] {
  if (privileged) return [{ allow: true, access: "rwm" }];
  return [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", access: "m" },
    { allow: true, type: "b", access: "m" },
    // null, zero, full, random, urandom, tty, console, ptmx
    ...[
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 1],
      [5, 2],
    ].map(([major = 0, minor = 0]) => character(major, minor)),
    { allow: true, type: "c", major: 136, access: "rwm" },
    ...devices.map(({ path, type, major, minor, access = "rwm" }) => {
      return { allow: true, type, major, minor, access: readAccess(`device "${path}"`, access) };
    }),
    ...further,
  ];
}

function character(major: number, minor: number): DeviceRuleSpec {
  return { allow: true, type: "c", major, minor, access: "rwm" };
}

/** dev_t has 12 and 20 bits for them. */
const [majors, minors] = [
  { min: 0, max: 2 ** 12 - 1 },
  { min: 0, max: 2 ** 20 - 1 },
];

/**
 * Reads a rule as Docker has it: `c 13:* rwm`. The type is a, b or c.
 * @throws {Fault} `invalid_argument`
 */
export function parseDeviceRule(text: string): DeviceRuleSpec {
  const [, type, major, minor, access] = /^([abc]) (\d+|\*):(\d+|\*) (\S+)$/.exec(text) ?? [];
  const what = `device rule "${text}"`;
  if (type === undefined || major === undefined || minor === undefined || access === undefined) {
    throw new Fault("invalid_argument", `Cannot use ${what}: it is not "TYPE MAJOR:MINOR RIGHTS"`);
  }
  const rights = readAccess(what, access);
  if (type === "a" && `${major}:${minor}:${rights.length}` !== "*:*:3") {
    throw new Fault("invalid_argument", `Cannot use ${what}: with type a it has to be "a *:* rwm"`);
  }
  return {
    allow: true,
    type,
    ...(major === "*" ? {} : { major: readInteger(`major number of ${what}`, major, majors) }),
    ...(minor === "*" ? {} : { minor: readInteger(`minor number of ${what}`, minor, minors) }),
    access: rights,
  };
}
