import { Fault } from "@slipway/fault/fault";

/**
 * The bytes of `ctrl-p,ctrl-q` and the like: letters, or `ctrl-` and one of `a` to `z`, `@`, `[`, `\`, `]`, `^`, `_`.
 * @throws {Fault} `invalid_argument`
 */
export function parseDetachKeys(text: string): number[] {
  if (text === "") return [];
  return text.split(",").map((key) => {
    const [, control] = /^ctrl-([a-z@[\\\]^_])$/i.exec(key) ?? [];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
    if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
    throw new Fault("invalid_argument", `Cannot use detach keys "${text}": "${key}" is no key`);
  });
}

/**
 * Watches what is typed for the keys. Gives what is to be passed on: keys that may be the beginning of the sequence wait
 * until the next one shows whether they are.
 */
export function detachable(keys: readonly number[], detach: () => void): (typed: Uint8Array) => Uint8Array {
  let matched = 0;
  return (typed) => {
    if (keys.length === 0) return typed;
    const passed: number[] = [];
    for (const byte of typed) {
      if (byte === keys[matched]) {
        matched += 1;
        if (matched < keys.length) continue;
        matched = 0;
        detach();
        break;
      }
      passed.push(...keys.slice(0, matched));
      matched = byte === keys[0] ? 1 : 0;
      if (matched === 0) passed.push(byte);
    }
    return Uint8Array.from(passed);
  };
}
