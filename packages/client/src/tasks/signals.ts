import { constants } from "node:os";
import { Fault } from "@slipway/fault/fault";

/** A signal's number from `SIGTERM`, `term` or `15`. @throws {Fault} `invalid_argument` */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const realtime = /^SIGRTMIN\+(\d+)$/.exec(name)?.[1];
  const number = realtime === undefined ? constants.signals[name as NodeJS.Signals] : 34 + Number(realtime);
  if (number === undefined) throw new Fault("invalid_argument", `unknown signal "${text}"`);
  return number;
}
