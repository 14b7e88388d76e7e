import type { Mount } from "@slipway/core/mounts/mount";
import { Fault } from "@slipway/fault/fault";
import type { ActiveMount } from "./activate.ts";

/**
 * `format/`: fills in what `{{ mount 0 }}`, `{{ source 0 }}`, `{{ target 0 }}` and `{{ overlay 0 2 }}` say of the mounts before
 * it. containerd, docs/mounts.md.
 */
export function fillIn({ type, source, target, options }: Mount, active: readonly ActiveMount[]): Mount {
  const fill = (text: string): string =>
    text.replaceAll(/\{\{(.*?)\}\}/g, (_, words: string) => valueOf(words.trim().split(/\s+/), active));
  return {
    type,
    source: fill(source),
    ...(target === undefined ? {} : { target: fill(target) }),
    options: options.map(fill),
  };
}

function valueOf([word = "", ...numbers]: readonly string[], active: readonly ActiveMount[]): string {
  const [first = Number.NaN, second = Number.NaN] = numbers.map(Number);
  const at = (index: number): ActiveMount => {
    const found = active[index];
    if (found) return found;
    throw invalid(`index out of bounds: ${index}, has ${active.length} active mounts`);
  };
  const length = word === "overlay" ? 2 : 1;
  if (numbers.length !== length || !numbers.every((number) => /^\d+$/.test(number))) {
    throw invalid(`cannot fill in "{{ ${[word, ...numbers].join(" ")} }}"`);
  }
  switch (word) {
    case "source":
      return at(first).mount.source;
    case "target":
      return at(first).mount.target ?? "";
    case "mount":
      return at(first).mountPoint;
    case "overlay":
      return range(first, second)
        .map((index) => at(index).mountPoint)
        .join(":");
    default:
      throw invalid(`cannot fill in "{{ ${word} }}"`);
  }
}

/** Both ends included, in either direction. */
function range(from: number, to: number): number[] {
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => from + step * index);
}

function invalid(message: string): Fault {
  return new Fault("invalid_argument", message);
}
