import type { Any } from "@slipway/core/any";
import type { Container } from "@slipway/core/containers";
import { parseRow } from "./parse-row.ts";
import { containerShape } from "./row-shapes.ts";

/*
 * A container's row: JSON, a newline, and the bytes of its runtime's options, its spec and its extensions, one after the
 * other. Clients make specs of 12 KB: as base64 in the JSON, a list spent half of its time on them (bench/api.ts).
 */

/** In the JSON: how many of the bytes belong to it. Rows of the store's version 1 have base64 instead. */
type StoredAny = { readonly typeUrl: string } & ({ readonly size: number } | { readonly value: string });

/** The parts of a container that are bytes, as A. */
interface Anys<A> {
  readonly runtime: { readonly name: string; readonly options?: A };
  readonly spec?: A;
  readonly extensions: Readonly<Record<string, A>>;
}

export function encodeContainer(container: Container): Uint8Array {
  const values: Uint8Array[] = [];
  const sizes = mapAnys(container, ({ typeUrl, value }: Any): StoredAny => {
    values.push(value);
    return { typeUrl, size: value.length };
  });
  return Buffer.concat([Buffer.from(`${JSON.stringify({ ...container, ...sizes })}\n`), ...values]);
}

export function decodeContainer(row: Uint8Array): Container {
  const end = row.indexOf(newline);
  const container = parseRow(
    end < 0 ? row : row.subarray(0, end),
    containerShape,
  ) as unknown as Anys<StoredAny>;
  let at = end + 1;
  const anys = mapAnys(container, (any): Any => {
    const { typeUrl } = any;
    if ("value" in any) return { typeUrl, value: new Uint8Array(Buffer.from(any.value, "base64")) };
    return { typeUrl, value: row.subarray(at, (at += any.size)) };
  });
  return { ...container, ...anys } as unknown as Container;
}

/** JSON has none. */
const newline = 0x0a;

/** Always in the same order. */
function mapAnys<A, B>({ runtime, spec, extensions }: Anys<A>, map: (any: A) => B): Anys<B> {
  return {
    runtime: { name: runtime.name, ...(runtime.options ? { options: map(runtime.options) } : {}) },
    ...(spec ? { spec: map(spec) } : {}),
    extensions: Object.fromEntries(Object.entries(extensions).map(([name, any]) => [name, map(any)])),
  };
}
