import { constants } from "node:os";
import { Fault } from "@slipway/fault/fault";
import { integerIn } from "@slipway/fault/read-number";

/** Of the real-time signals, the C library keeps the first two for itself. */
const [SIGRTMIN, SIGRTMAX] = [34, 64];
const numbers = { min: 1, max: SIGRTMAX };

/** A signal's number from `SIGTERM`, `term`, `15`, `SIGRTMIN+3` or `RTMAX-1`. @throws {Fault} `invalid_argument` */
export function parseSignal(text: string): number {
  const number = integerIn(text, numbers) ?? namedSignal(text.toUpperCase().replace(/^SIG/, ""));
  if (number === undefined) throw new Fault("invalid_argument", `unknown signal "${text}"`);
  return number;
}

function namedSignal(name: string): number | undefined {
  const [, base, sign = "+", distance = "0"] = /^(RTMIN|RTMAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  if (base === undefined) return new Map<string, number>(Object.entries(constants.signals)).get(`SIG${name}`);
  const number = (base === "RTMIN" ? SIGRTMIN : SIGRTMAX) + (sign === "+" ? 1 : -1) * Number(distance);
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
}
