import type { JsonField } from "./json-field.ts";

/** T, whose fields that may be undefined are optional: `exactOptionalPropertyTypes` tells the two apart. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** Leaves out the fields that are undefined. */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/**
 * The fields of an object as they were read, beside those that are not known here, as they are: they stay when the document
 * is written again. A known field that is undefined is left out, whatever the document has in its place.
 */
export function withUnknown<T extends object>(field: JsonField, known: T): Defined<T> {
  return Object.assign(field.others(Object.keys(known)), defined(known));
}
