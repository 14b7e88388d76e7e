import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";

/** So many containers with large specs are encoded in a few milliseconds. */
const pieceItems = 100;

/** Whether the message is worth encodeFrameInTurns(). */
export function hasLongList<M extends DescMessage>(schema: M, init: MessageInitShape<M>): boolean {
  return longList(schema, init) !== undefined;
}

/** Messages with an element of a list each, and one behind the other, are one with the whole list. */
export function* piecesOf<M extends DescMessage>(
  schema: M,
  init: MessageInitShape<M>,
): Generator<MessageInitShape<M>> {
  const name = longList(schema, init);
  const fields = init as Readonly<Record<string, unknown>>;
  const list = name === undefined ? [] : (fields[name] as readonly unknown[]);
  if (name === undefined) return yield init;
  for (let at = 0; at < list.length; at += pieceItems) {
    const items = list.slice(at, at + pieceItems);
    yield (at === 0 ? { ...fields, [name]: items } : { [name]: items }) as MessageInitShape<M>;
  }
}

function longList<M extends DescMessage>(schema: M, init: MessageInitShape<M>): string | undefined {
  for (const field of schema.fields) {
    if (field.fieldKind !== "list" || field.listKind !== "message") continue;
    const value = (init as Readonly<Record<string, unknown>>)[field.localName];
    if (Array.isArray(value) && value.length > pieceItems) return field.localName;
  }
  return undefined;
}
