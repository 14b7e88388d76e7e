import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { Content, WriteAction } from "@slipway/api/containerd/services/content/v1/content_pb";
import { Version } from "@slipway/api/containerd/services/version/v1/version_pb";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { createClient } from "@slipway/rpc/create-client";
import { Metadata } from "@slipway/rpc/metadata";
import { type CallContext, serve, type ServiceRegistration } from "@slipway/rpc/service";
import { GrpcChannel } from "./channel.ts";
import { GrpcServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-grpc-"));
const address = join(folder, "s.sock");
after(() => rmSync(folder, { recursive: true }));

const mebibyte = new Uint8Array(1024 * 1024);
let contexts: CallContext[] = [];
let answersGiven = 0;
let writesSeen = 0;
let letWritesPass: Promise<void> = Promise.resolve();

const services: ServiceRegistration[] = [
  serve(Version, {
    version: (_, context) => {
      contexts.push(context);
      return { version: "v1", revision: context.metadata.getAll("containerd-namespace").join(",") };
    },
  }),
  serve(Content, {
    info: ({ digest }) => {
      throw new Fault("not_found", `content "${digest}" – 100% gone: not found`);
    },
    status: (_, context) => {
      contexts.push(context);
      return new Promise(() => {});
    },
    async *read({ size }, context) {
      contexts.push(context);
      for (let sent = 0n; sent < size; sent += BigInt(mebibyte.length)) {
        answersGiven += 1;
        yield { offset: sent, data: mebibyte };
      }
      if (size === 0n) throw new Fault("out_of_range", "nothing to read");
    },
    async *write(requests, context) {
      contexts.push(context);
      await letWritesPass;
      for await (const { offset, data } of requests) {
        writesSeen += 1;
        if (offset < 0n) throw new Fault("data_loss", "lost");
        yield { action: WriteAction.WRITE, offset: offset + BigInt(data.length) };
      }
    },
  }),
] as ServiceRegistration[];

describe("GrpcChannel", () => {
  let server: GrpcServer;
  let channel: GrpcChannel;

  beforeEach(async () => {
    contexts = [];
    answersGiven = 0;
    writesSeen = 0;
    letWritesPass = Promise.resolve();
    server = new GrpcServer(services);
    await server.listen(address);
    channel = new GrpcChannel(address);
  });
  afterEach(async () => {
    await channel[Symbol.asyncDispose]();
    await server.drain(0);
  });

  it("calls with metadata and a deadline, which the server sees", async () => {
    const metadata = new Metadata([
      ["containerd-namespace", "one"],
      ["containerd-namespace", "two"],
    ]);
    const answer = await createClient(Version, channel).version({}, { metadata, timeoutMs: 5000 });
    assert.equal(answer.version, "v1");
    assert.match(answer.revision, /^one, ?two$/);
    assert.ok(contexts[0]?.deadline);
  });

  it("throws the server's failure with its code and text, also when headers are all that comes", async () => {
    const content = createClient(Content, channel);
    await assert.rejects(content.info({ digest: "sha256:x" }), (error) => {
      assert.equal(messageOf(error), `content "sha256:x" – 100% gone: not found`);
      return hasCode(error, "not_found");
    });
    await assert.rejects(Array.fromAsync(content.read({ size: 0n })), /nothing to read/);
    await assert.rejects(content.abort({ ref: "x" }), (error) => hasCode(error, "unimplemented"));
  });

  it("ends a call at its deadline and when its signal aborts, on both sides", async () => {
    const content = createClient(Content, channel);
    await assert.rejects(content.status({ ref: "x" }, { timeoutMs: 20 }), (error) =>
      hasCode(error, "deadline_exceeded"),
    );
    const leave = new AbortController();
    const call = content.status({ ref: "x" }, { signal: leave.signal });
    const reached = async (): Promise<CallContext> => contexts[1] ?? (await turn(), await reached());
    const context = await reached();
    leave.abort();
    await assert.rejects(call, (error) => hasCode(error, "canceled"));
    if (!context.signal.aborted) await once(context.signal, "abort");
    await assert.rejects(content.status({}, { signal: AbortSignal.abort() }), (error) =>
      hasCode(error, "canceled"),
    );
  });

  it("takes answers no faster than they are read, and cancels the call when the reading is left", async () => {
    const total = 64;
    let read = 0;
    for await (const { data } of createClient(Content, channel).read({
      size: BigInt(total * mebibyte.length),
    })) {
      read += data.length;
      // Everything that can move without a reader has moved after a thousand turns of the loop.
      for (let turns = 0; turns < 1000; turns += 1) await turn();
      break;
    }
    assert.equal(read, mebibyte.length);
    assert.ok(answersGiven < 16, `${answersGiven} MiB were sent ahead`);
    const { signal } = contexts[0] ?? {};
    if (signal && !signal.aborted) await once(signal, "abort");
  });

  it("sends requests no faster than the server takes them", async () => {
    const pass = Promise.withResolvers<void>();
    letWritesPass = pass.promise;
    let given = 0;
    const requests = async function* (): AsyncGenerator<{ offset: bigint; data: typeof mebibyte }> {
      for (; given < 64; given += 1) yield { offset: 0n, data: mebibyte };
    };
    const answers = createClient(Content, channel).write(requests())[Symbol.asyncIterator]();
    const first = answers.next();
    for (let turns = 0; turns < 1000; turns += 1) await turn();
    assert.ok(given < 16, `${given} MiB were sent ahead`);
    pass.resolve();
    assert.equal((await first).done, false);
    while (!(await answers.next()).done);
    assert.equal(writesSeen, 64);
  });

  it("throws what the requests throw", async () => {
    const broken = async function* (): AsyncGenerator<{ offset: bigint }> {
      yield { offset: 1n };
      throw new Error("the source broke");
    };
    await assert.rejects(Array.fromAsync(createClient(Content, channel).write(broken())), /the source broke/);
  });

  it("ends when the server fails while requests still come", async () => {
    const requests = async function* (): AsyncGenerator<{ offset: bigint }> {
      yield { offset: -1n };
      await new Promise(() => {});
    };
    const call = Array.fromAsync(createClient(Content, channel).write(requests()));
    await assert.rejects(call, (error) => hasCode(error, "data_loss"));
  });

  it("refuses messages above its limits, both ways", async () => {
    await using small = new GrpcChannel(address, { maxReceiveMessageBytes: 1000, maxSendMessageBytes: 1000 });
    const content = createClient(Content, small);
    await assert.rejects(Array.fromAsync(content.read({ size: 1n })), (error) =>
      hasCode(error, "resource_exhausted"),
    );
    await assert.rejects(content.info({ digest: "x".repeat(2000) }), (error) =>
      hasCode(error, "resource_exhausted"),
    );
  });

  it("connects again after the server restarted", async () => {
    const client = createClient(Version, channel);
    await client.version({});
    await server.drain(0);
    await assert.rejects(client.version({}), (error) => hasCode(error, "unavailable"));
    server = new GrpcServer(services);
    await server.listen(address);
    assert.equal((await client.version({})).version, "v1");
  });

  it("says where nothing answers", async () => {
    await using nowhere = new GrpcChannel(join(folder, "nope.sock"));
    await assert.rejects(createClient(Version, nowhere).version({}), (error) => {
      assert.match(messageOf(error), /^Cannot reach ".*nope.sock": no such file or directory$/);
      return hasCode(error, "unavailable");
    });
  });

  it("fails running calls when it is disposed of, and later ones", async () => {
    const client = createClient(Content, channel);
    const call = client.status({ ref: "x" });
    const failed = assert.rejects(call);
    await channel[Symbol.asyncDispose]();
    await failed;
    await assert.rejects(client.status({ ref: "x" }), (error) => hasCode(error, "canceled"));
  });

  it("speaks over TCP, and takes an answer that is not gRPC as a failure", async () => {
    const plain = createServer().on("stream", (stream) => {
      stream.respond({ ":status": 503 });
      stream.end("busy");
    });
    plain.listen(0, "127.0.0.1");
    await once(plain, "listening");
    const { port } = plain.address() as { port: number };
    await using busy = new GrpcChannel({ host: "127.0.0.1", port });
    await assert.rejects(createClient(Version, busy).version({}), (error) => hasCode(error, "unavailable"));
    plain.close();
  });
});

/** Lets what is ready happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
