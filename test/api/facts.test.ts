import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  ScalarType,
} from "@bufbuild/protobuf";

/*
 * The generated messages against containerd's API as plain lines: every service, message, field number and enum value
 * of facts/containerd.txt. Two sets with the same lines are compatible on the wire.
 */

async function generatedFiles(): Promise<DescFile[]> {
  const source = join(import.meta.dirname, "../../packages/api/src");
  const modules = await Promise.all(
    globSync("**/*_pb.ts", { cwd: source }).map(
      async (path) => (await import(join(source, path))) as Record<string, unknown>,
    ),
  );
  return modules.flatMap((module) =>
    Object.entries(module).flatMap(([name, value]) => (name.startsWith("file_") ? [value as DescFile] : [])),
  );
}

function* linesOf(file: DescFile): Generator<string> {
  for (const message of file.messages) yield* messageLines(message);
  for (const item of file.enums) yield* enumLines(item);
  for (const { typeName, methods } of file.services) {
    for (const { name, methodKind, input, output } of methods) {
      const request = methodKind === "client_streaming" || methodKind === "bidi_streaming" ? "stream " : "";
      const response = methodKind === "server_streaming" || methodKind === "bidi_streaming" ? "stream " : "";
      yield `${typeName} rpc ${name} ${request}${input.typeName} -> ${response}${output.typeName}`;
    }
  }
}

function* messageLines(message: DescMessage): Generator<string> {
  yield `${message.typeName} message`;
  for (const field of message.fields) {
    const oneof = field.oneof ? ` oneof=${field.oneof.name}` : "";
    yield `${message.typeName} ${field.number} ${field.name} ${typeOf(field)}${oneof}`;
  }
  for (const nested of message.nestedMessages) yield* messageLines(nested);
  for (const nested of message.nestedEnums) yield* enumLines(nested);
}

function* enumLines({ typeName, values }: DescEnum): Generator<string> {
  // A negative value travels as 64 bits; the facts have it as the double next to that.
  for (const { number, name } of values) {
    yield `${typeName} enum ${number < 0 ? Number(BigInt.asUintN(64, BigInt(number))) : number} ${name}`;
  }
}

function typeOf(field: DescField): string {
  switch (field.fieldKind) {
    case "map":
      return `map<${ScalarType[field.mapKey].toLowerCase()},${nameOf(field)}>`;
    case "list":
      return `repeated ${nameOf(field)}`;
    default:
      return `${field.proto.proto3Optional ? "optional " : ""}${nameOf(field)}`;
  }
}

function nameOf({ scalar, message, enum: item }: DescField): string {
  return message?.typeName ?? item?.typeName ?? ScalarType[scalar ?? 0]?.toLowerCase() ?? "";
}

describe("packages/api", () => {
  it("has every service, message, field and value of containerd's API", async () => {
    const lines = new Set((await generatedFiles()).flatMap((file) => [...linesOf(file)]));
    const facts = readFileSync(join(import.meta.dirname, "facts/containerd.txt"), "utf8").split("\n");
    const missing = facts.filter((fact) => fact !== "" && !fact.startsWith("#") && !lines.has(fact));
    assert.deepEqual(missing, []);
    assert.ok(lines.size > 1000);
  });
});
