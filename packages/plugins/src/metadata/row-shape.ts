import { Fault } from "@slipway/fault/fault";

/** Whether a field of a row is what its type says, and what a message calls that. */
export interface FieldKind {
  readonly name: string;
  readonly isValid: (value: unknown) => boolean;
}

export type RowShape = Readonly<Record<string, FieldKind>>;

export const text: FieldKind = { name: "text", isValid: (value) => typeof value === "string" };
export const number: FieldKind = { name: "a number", isValid: (value) => Number.isFinite(value) };
/** After parseRow has made a date of it. */
export const date: FieldKind = {
  name: "a date",
  isValid: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
};
export const labels: FieldKind = {
  name: "an object of texts",
  isValid: (value) => isRecord(value) && Object.values(value).every((one) => typeof one === "string"),
};

export function optional(kind: FieldKind): FieldKind {
  return { name: kind.name, isValid: (value) => value === undefined || kind.isValid(value) };
}

export function record(kind: FieldKind): FieldKind {
  const isValid = (value: unknown): boolean =>
    isRecord(value) && Object.values(value).every((one) => kind.isValid(one));
  return { name: "an object", isValid };
}

export function object(shape: RowShape): FieldKind {
  const fields = Object.entries(shape);
  const isValid = (value: unknown): boolean =>
    isRecord(value) && fields.every(([name, kind]) => kind.isValid(value[name]));
  return { name: "an object", isValid };
}

/** Checks what somebody may have edited, or a disk has damaged. @throws {Fault} `data_loss` naming the field */
export function checkRow(row: Readonly<Record<string, unknown>>, shape: RowShape): void {
  for (const name in shape) {
    const kind = shape[name];
    if (kind && !kind.isValid(row[name])) throw new Fault("data_loss", `"${name}" is not ${kind.name}`);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
