import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { Content } from "@slipway/api/containerd/services/content/v1/content_pb";
import { Version } from "@slipway/api/containerd/services/version/v1/version_pb";
import { Fault } from "@slipway/fault/fault";
import { Metadata } from "@slipway/rpc/metadata";
import { type CallContext, serve } from "@slipway/rpc/service";
import { TtrpcClient } from "./client.ts";
import { encodeFrame, FrameReader, MessageType, type ReceivedFrame } from "./frame.ts";
import { decodeResponse } from "./message.ts";
import { TtrpcServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-ttrpc-"));
const path = join(folder, "server.sock");
after(() => rmSync(folder, { recursive: true }));

let server: TtrpcServer;
let client: TtrpcClient;
/** The contexts of the calls that came, in their order. */
const calls: CallContext[] = [];
let release: () => void;
const blocked = (context: CallContext): Promise<{ version: string }> => {
  calls.push(context);
  return new Promise((resolve) => {
    release = () => resolve({ version: "8" });
  });
};
const services = [
  serve(Version, {
    version: (_, context) => (context.metadata.get("how") === "block" ? blocked(context) : { version: "7" }),
  }),
  serve(Content, {
    async *read({ offset, size }) {
      for (let count = 0n; count < size; count += 1n) yield { offset: offset + count };
      if (offset === 99n) throw new Fault("not_found", "content 99: not found");
    },
    async *write(requests, context) {
      calls.push(context);
      for await (const { ref } of requests) yield { total: BigInt(ref.length) };
    },
    status({ ref }) {
      return { status: { ref: ref.repeat(ref.length) } };
    },
  }),
];

beforeEach(async () => {
  calls.length = 0;
  server = new TtrpcServer(services);
  await server.listen(path);
  client = await TtrpcClient.connect(path);
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function* from<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}
const none = {};
const block = { metadata: new Metadata([["how", "block"]]) };
async function blockedCall(): Promise<{ answer: Promise<unknown>; context: CallContext }> {
  const answer = client.unary(Version.method.version, none, block);
  answer.catch(() => undefined);
  // Answers come in the order of the requests: when this one is there, the other has begun.
  await client.unary(Version.method.version, none);
  const context = calls[0];
  assert.ok(context);
  return { answer, context };
}

describe("unary calls", () => {
  it("answers many at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => client.unary(Version.method.version, none)),
    );
    assert.ok(answers.every(({ version }) => version === "7"));
  });

  it("carries the codes and words of failures", async () => {
    await assert.rejects(client.unary(Content.method.info, none), {
      code: "unimplemented",
      message: "method Info",
    });
  });

  it("ends with its deadline, on both sides", async () => {
    const answer = client.unary(Version.method.version, none, { ...block, timeoutMs: 20 });
    await assert.rejects(answer, { code: "deadline_exceeded", message: "context deadline exceeded" });
    const { signal, deadline } = calls[0] ?? {};
    assert.ok(signal && deadline);
    if (!signal.aborted) await once(signal, "abort");
    assert.equal((signal.reason as Fault).code, "deadline_exceeded");
  });

  it("is left by its caller, and its connection goes on", async () => {
    const leave = new AbortController();
    const answer = client.unary(Version.method.version, none, { ...block, signal: leave.signal });
    leave.abort();
    await assert.rejects(answer, { name: "AbortError" });
    assert.equal((await client.unary(Version.method.version, none)).version, "7");
  });

  it("is aborted when its client goes", async () => {
    const { answer, context } = await blockedCall();
    client[Symbol.dispose]();
    await assert.rejects(answer, { code: "unavailable", message: "ttrpc: closed" });
    if (!context.signal.aborted) await once(context.signal, "abort");
    assert.equal((context.signal.reason as Fault).code, "canceled");
  });

  it("fails when its server goes, and so does every later one", async () => {
    const { answer } = await blockedCall();
    await server.drain(0);
    await assert.rejects(answer);
    await client.closed;
    await assert.rejects(client.unary(Version.method.version, none), { code: "unavailable" });
  });
});

describe("a message of more than 4 MiB", () => {
  it("is refused by its sender in ttrpc's words", async () => {
    const request = { ref: "x".repeat(5 << 20) };
    await assert.rejects(client.unary(Content.method.status, request), {
      code: "resource_exhausted",
      message: /^message length 52429\d\d exceed maximum message size of 4194304$/,
    });
    // An answer, too: 3,000 times 3,000 characters.
    await assert.rejects(client.unary(Content.method.status, { ref: "x".repeat(3000) }), {
      code: "resource_exhausted",
    });
  });

  it("is dropped by its receiver, who goes on with the next", async () => {
    const socket = connect(path);
    const reader = new FrameReader();
    const frames: ReceivedFrame[] = [];
    const excess = Buffer.alloc(10 + (5 << 20));
    excess.writeUInt32BE(5 << 20, 0);
    excess.writeUInt32BE(1, 4);
    excess.writeUInt8(MessageType.request, 8);
    socket.write(excess);
    socket.write(encodeFrame({ streamId: 3, type: MessageType.request, data: new Uint8Array() }));
    for await (const chunk of socket) {
      frames.push(...reader.push(chunk as Buffer));
      if (frames.length === 2) break;
    }
    const [first, second] = frames.map(({ streamId, data }) => ({
      streamId,
      answer: () => decodeResponse(data),
    }));
    assert.equal(first?.streamId, 1);
    assert.throws(first.answer, { message: "message length 5242880 exceed maximum message size of 4194304" });
    assert.equal(second?.streamId, 3);
    assert.throws(second.answer, { code: "unimplemented" });
  });
});

describe("streams", () => {
  const read = async (offset: bigint, size: bigint): Promise<bigint[]> => {
    const read: bigint[] = [];
    for await (const answer of client.stream(Content.method.read, from({ offset, size }))) {
      read.push(answer.offset);
    }
    return read;
  };

  it("bring all answers of a server, in order", async () => {
    const [few, many] = await Promise.all([read(5n, 3n), read(0n, 5000n)]);
    assert.deepEqual(few, [5n, 6n, 7n]);
    assert.deepEqual(
      many,
      Array.from({ length: 5000 }, (_, index) => BigInt(index)),
    );
    assert.deepEqual(await read(0n, 0n), []);
  });

  it("end with their failure", async () => {
    await assert.rejects(read(99n, 2n), { code: "not_found", message: "content 99: not found" });
  });

  it("go both ways", async () => {
    const totals: bigint[] = [];
    const requests = from({ ref: "a" }, { ref: "bb" }, {}, { ref: "cccc" });
    for await (const { total } of client.stream(Content.method.write, requests)) totals.push(total);
    assert.deepEqual(totals, [1n, 2n, 0n, 4n]);
  });

  it("do not hold up their neighbours when nobody reads them", async () => {
    const stalled = client.stream(Content.method.read, from({ size: 1000n }));
    await stalled.next();
    assert.equal((await client.unary(Version.method.version, none)).version, "7");
    await assert.rejects(
      async () => {
        for await (const _ of stalled);
      },
      { code: "resource_exhausted", message: "ttrpc: stream buffer full" },
    );
  });

  it("are refused once they ended, or with ids that a server would give", async () => {
    const socket = connect(path);
    const reader = new FrameReader();
    for (const [streamId, type] of [
      [2, MessageType.request],
      [5, MessageType.data],
      [7, MessageType.request],
      [7, MessageType.request],
    ] as const) {
      socket.write(encodeFrame({ streamId, type, data: new Uint8Array() }));
    }
    const frames: ReceivedFrame[] = [];
    for await (const chunk of socket) {
      frames.push(...reader.push(chunk as Buffer));
      if (frames.length === 4) break;
    }
    const words = frames.map(({ data }) => {
      try {
        return decodeResponse(data).toString();
      } catch (error) {
        return (error as Error).message;
      }
    });
    assert.deepEqual(words.toSorted(), [
      "StreamID cannot be re-used and must increment",
      "StreamID is no longer active",
      "StreamID must be odd for client initiated streams",
      "service ",
    ]);
  });
});

describe("connections", () => {
  it("are made again by a client that may", async () => {
    await using again = new TtrpcClient(path, { reconnect: true });
    assert.equal((await again.unary(Version.method.version, none)).version, "7");
    await server.drain(0);
    await again.closed;
    await assert.rejects(again.unary(Version.method.version, none), { code: "unavailable" });
    server = new TtrpcServer(services);
    await server.listen(path);
    assert.equal((await again.unary(Version.method.version, none)).version, "7");
  });

  it("let running calls end before they are drained", async () => {
    const { answer } = await blockedCall();
    const drained = server.drain(60_000);
    release();
    assert.deepEqual(await answer, {
      $typeName: "containerd.services.version.v1.VersionResponse",
      version: "8",
      revision: "",
    });
    await drained;
    await client.closed;
  });
});
