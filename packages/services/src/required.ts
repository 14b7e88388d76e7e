import { Fault } from "@slipway/fault/fault";

/** The part of a request that a call cannot do without. @throws {Fault} `invalid_argument` */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Fault("invalid_argument", `${name} is required: invalid argument`);
  return value;
}
