import { Fault } from "@slipway/fault/fault";

/** @throws {Fault} `invalid_argument` */
export function refuseMount(mount: string, why: string): never {
  throw new Fault("invalid_argument", `Cannot mount "${mount}": ${why}`);
}
