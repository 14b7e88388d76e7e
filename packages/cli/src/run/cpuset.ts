import { readFileSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { integerIn } from "@slipway/fault/read-number";

/** The kernel is built for no more. */
const range = { min: 0, max: 8191 };

/**
 * Checks a list of CPUs or memory nodes, such as `0-2,4`; undefined if it is empty or missing: then all may be used.
 * `online` is the file that lists those of this machine.
 * @throws {Fault} `invalid_argument`
 */
export function readCpuset(flag: string, text: string | undefined, online: string): string | undefined {
  if (text === undefined || text === "") return undefined;
  const wanted = numbersIn(text);
  if (!wanted) throw refused(flag, text, "it is not a list such as 0-2,4");
  const available = availableIn(online);
  const missing = wanted.find((number) => !available.has(number));
  if (missing !== undefined) throw refused(flag, text, `this machine has no ${missing}`);
  return text;
}

/** Undefined for what is no list. */
function numbersIn(text: string): number[] | undefined {
  const numbers: number[] = [];
  for (const part of text.trim().split(",")) {
    const [, from = "", to = from] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const [first, last] = [integerIn(from, range), integerIn(to, range)];
    if (first === undefined || last === undefined || first > last) return undefined;
    for (let number = first; number <= last; number++) numbers.push(number);
  }
  return numbers;
}

/** A kernel without NUMA lists no nodes: there is the first one. */
function availableIn(file: string): ReadonlySet<number> {
  try {
    return new Set(numbersIn(readFileSync(file, "utf8")));
  } catch {
    return new Set([0]);
  }
}

function refused(flag: string, text: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot read ${flag} "${text}": ${why}`);
}
