import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Content, WriteAction } from "@slipway/api/containerd/services/content/v1/content_pb";
import { Events } from "@slipway/api/containerd/services/events/v1/events_pb";
import { Version } from "@slipway/api/containerd/services/version/v1/version_pb";
import { Fault } from "@slipway/fault/fault";
import { createClient } from "@slipway/rpc/create-client";
import { type CallContext, serve, type ServiceRegistration } from "@slipway/rpc/service";
import { GrpcChannel } from "./channel.ts";
import { GrpcServer } from "./server.ts";

const mebibyte = 1024 * 1024;
const chunk = new Uint8Array(mebibyte).fill(7);

/** A server on a socket of its own with these handlers, and a client of it. */
class Setup implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "slipway-grpc-"));
  readonly address = join(this.folder, "s.sock");
  readonly server: GrpcServer;
  readonly channel = new GrpcChannel(this.address);

  constructor(...services: ServiceRegistration[]) {
    this.server = new GrpcServer(services);
  }

  static async start(...services: ServiceRegistration[]): Promise<Setup> {
    const setup = new Setup(...services);
    await setup.server.listen(setup.address);
    return setup;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.channel[Symbol.asyncDispose]();
    await this.server.drain(0);
    rmSync(this.folder, { recursive: true });
  }
}

const version = serve(Version, { version: () => ({ version: "v1", revision: "r" }) });

describe("GrpcServer", () => {
  it("takes 512 MiB in and gives 512 MiB back beside slow readers, in bounded memory, while others call", async () => {
    const total = 512;
    await using setup = await Setup.start(
      version,
      serve(Content, {
        async *write(requests) {
          let offset = 0n;
          for await (const { data } of requests) {
            offset += BigInt(data.length);
            yield { action: WriteAction.WRITE, offset };
          }
        },
        async *read({ size }) {
          for (let sent = 0n; sent < size; sent += BigInt(mebibyte)) yield { offset: sent, data: chunk };
        },
      }),
    );
    const content = createClient(Content, setup.channel);
    const size = BigInt(total * mebibyte);
    const stalled = Array.from({ length: 20 }, async () => {
      const answers = content.read({ size })[Symbol.asyncIterator]();
      await answers.next();
      return answers;
    });
    const readers = await Promise.all(stalled);

    let peak = 0;
    const look = setInterval(() => (peak = Math.max(peak, process.memoryUsage().arrayBuffers)), 5);
    const write = async (): Promise<bigint> => {
      let offset = 0n;
      const requests = async function* (): AsyncGenerator<{ data: typeof chunk }> {
        for (let sent = 0; sent < total; sent++) yield { data: chunk };
      };
      for await (const answer of content.write(requests())) ({ offset } = answer);
      return offset;
    };
    const read = async (): Promise<bigint> => {
      let received = 0n;
      for await (const { data } of content.read({ size })) received += BigInt(data.length);
      return received;
    };
    const others = async (): Promise<void> => {
      for (let n = 0; n < 500; n++) await createClient(Version, setup.channel).version({});
    };
    const [written, received] = await Promise.all([write(), read(), others()]);
    clearInterval(look);
    assert.deepEqual([written, received], [size, size]);
    // 22 calls with a window of 1 MiB each on two sides, and what the collector has not taken yet.
    assert.ok(peak < 300 * mebibyte, `${Math.round(peak / mebibyte)} MiB of buffers`);
    for (const answers of readers) await answers.return?.();
  });

  it("lets a thousand clients connect while it is busy", async (t) => {
    const most = Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
    if (most < 1000) return t.skip(`no more than ${most} connections may wait`);
    await using setup = await Setup.start(version);
    const script = `
      let left = 1000, refused = 0;
      const done = () => { if (--left === 0) { process.stdout.write(String(refused)); process.exit(); } };
      const failed = () => { refused++; done(); };
      for (let n = left; n > 0; n--) require("node:net").connect(process.argv[1], done).on("error", failed);`;
    // Nothing is accepted meanwhile: this process waits for the other.
    const refused = execFileSync(process.execPath, ["-e", script, setup.address], { encoding: "utf8" });
    assert.equal(refused, "0");
    const answer = await createClient(Version, setup.channel).version({});
    assert.equal(answer.version, "v1");
  });

  it("lets a client cancel thousands of calls on one connection, as Go's content reader does", async () => {
    await using setup = await Setup.start(
      serve(Content, {
        async *read(_, { signal }) {
          yield { data: new Uint8Array(32 * 1024) };
          await once(signal, "abort");
        },
      }),
    );
    const content = createClient(Content, setup.channel);
    for (let n = 0; n < 3000; n++) {
      for await (const { data } of content.read({})) {
        assert.equal(data.length, 32 * 1024);
        break;
      }
    }
  });

  it("tells the handler when its caller leaves, and when its deadline passes", async () => {
    const seen: CallContext[] = [];
    const begun = Promise.withResolvers<void>();
    await using setup = await Setup.start(
      serve(Content, {
        status: async (_, context) => {
          seen.push(context);
          begun.resolve();
          await once(context.signal, "abort");
          throw new Error("not what the caller gets to see");
        },
      }),
    );
    const content = createClient(Content, setup.channel);
    const leave = new AbortController();
    const left = assert.rejects(content.status({}, { signal: leave.signal }), { code: "canceled" });
    await begun.promise;
    leave.abort();
    await left;
    await assert.rejects(content.status({}, { timeoutMs: 30 }), { code: "deadline_exceeded" });
    const codes = seen.map(async ({ signal }) => {
      if (!signal.aborted) await once(signal, "abort");
      return (signal.reason as Fault).code;
    });
    assert.equal((await Promise.all(codes))[0], "canceled");
    assert.ok(seen[1]?.deadline);
  });

  it("refuses messages above 16 MiB, both ways, in the words of Go's", async () => {
    const limit = 16 * mebibyte;
    await using setup = await Setup.start(
      serve(Content, {
        async *read() {
          yield { data: new Uint8Array(limit) };
        },
        async *write(requests) {
          for await (const { data } of requests) yield { offset: BigInt(data.length) };
        },
      }),
    );
    await using large = new GrpcChannel(setup.address, { maxSendMessageBytes: 2 * limit });
    const content = createClient(Content, large);
    const write = async (bytes: number): Promise<unknown> =>
      await Array.fromAsync(
        content.write(
          (async function* () {
            yield { data: new Uint8Array(bytes) };
          })(),
        ),
      );
    await write(limit - 100);
    await assert.rejects(write(limit), {
      code: "resource_exhausted",
      message: `grpc: received message larger than max (${limit + 5} vs. ${limit})`,
    });
    await assert.rejects(Array.fromAsync(content.read({})), {
      code: "resource_exhausted",
      message: `grpc: trying to send message larger than max (${limit + 5} vs. ${limit})`,
    });
  });

  it("ends running calls well when it drains, refuses new ones, and cuts off what does not end", async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    await using setup = await Setup.start(
      version,
      serve(Content, {
        status: async () => {
          begun.resolve();
          await goOn.promise;
          return { status: { ref: "r" } };
        },
        info: () => new Promise(() => {}),
      }),
    );
    const content = createClient(Content, setup.channel);
    const ends = content.status({});
    const hangs = assert.rejects(content.info({}));
    await begun.promise;
    const drained = setup.server.drain(300);
    await using late = new GrpcChannel(setup.address);
    await assert.rejects(createClient(Version, late).version({}), { code: "unavailable" });
    goOn.resolve();
    assert.equal((await ends).status?.ref, "r");
    await Promise.all([hangs, drained]);
  });

  it("hands one event to 500 concurrent subscriptions of a connection", async () => {
    let subscribed = 0;
    const all = Promise.withResolvers<void>();
    const event = Promise.withResolvers<void>();
    await using setup = await Setup.start(
      serve(Events, {
        async *subscribe() {
          if (++subscribed === 500) all.resolve();
          await event.promise;
          yield { topic: "/tasks/exit" };
        },
      }),
    );
    const { subscribe } = createClient(Events, setup.channel);
    const topics = Array.from({ length: 500 }, async () => {
      for await (const { topic } of subscribe({ filters: [] })) return topic;
      return undefined;
    });
    await all.promise;
    event.resolve();
    assert.deepEqual(new Set(await Promise.all(topics)), new Set(["/tasks/exit"]));
  });
});

describe("GrpcServer on the wire", () => {
  const seen: CallContext[] = [];
  let setup: Setup;
  let session: ClientHttp2Session;
  before(async () => {
    setup = await Setup.start(
      serve(Version, {
        version: (_, context) => {
          seen.push(context);
          if (seen.length === 1) return {};
          const details = [{ typeUrl: "type.googleapis.com/x.Why", value: new Uint8Array([1, 2]) }];
          throw new Fault("failed_precondition", "50% – no", { details });
        },
      }),
    );
    const socket = connectSocket(setup.address);
    session = connect("http://localhost", { createConnection: () => socket });
  });
  after(async () => {
    session.destroy();
    await setup[Symbol.asyncDispose]();
  });

  /** Calls with these bytes and gives the headers and trailers of the answer. */
  async function call(body: Uint8Array, headers: Record<string, string | string[]> = {}): Promise<object> {
    const path = "/containerd.services.version.v1.Version/Version";
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    const all: object[] = [];
    stream.on("response", (answer) => all.push(answer));
    stream.on("trailers", (trailers) => all.push(trailers));
    stream.end(body);
    stream.resume();
    await once(stream, "close");
    return Object.assign({}, ...all) as object;
  }
  const empty = Buffer.alloc(5);

  it("gives the handler each value of a key, and binary values as they came", async () => {
    const answer = await call(empty, { "x-many": ["a, b", "c"], "x-trace-bin": "AP8=" });
    assert.deepEqual({ ...answer, date: undefined }["grpc-status" as never], "0");
    const { metadata } = seen[0] ?? {};
    assert.deepEqual(metadata?.getAll("x-many"), ["a, b", "c"]);
    assert.equal(metadata.get("x-trace-bin"), "AP8=");
  });

  it("fails in the headers alone, with a message in percent encoding and details", async () => {
    const answer = (await call(empty)) as Record<string, string>;
    assert.equal(answer["grpc-status"], "9");
    assert.equal(answer["grpc-message"], "50%25 %E2%80%93 no");
    const details = Buffer.from(answer["grpc-status-details-bin"] ?? "", "base64");
    assert.ok(details.includes("type.googleapis.com/x.Why"));
  });

  it("refuses compressed messages, messages cut off, and calls without one", async () => {
    const status = async (body: Uint8Array): Promise<string> =>
      ((await call(body)) as Record<string, string>)["grpc-status"] ?? "";
    assert.equal(await status(Buffer.from([1, 0, 0, 0, 0])), "12");
    assert.equal(await status(Buffer.from([0, 0, 0, 0, 9, 1])), "13");
    assert.equal(await status(Buffer.alloc(0)), "13");
  });

  it("names the message that it cannot read", async () => {
    const answer = (await call(Buffer.from([0, 0, 0, 0, 2, 10, 255]))) as Record<string, string>;
    assert.equal(answer["grpc-status"], "13");
    assert.equal(
      decodeURIComponent(answer["grpc-message"] ?? ""),
      'Cannot read a message "google.protobuf.Empty": premature EOF',
    );
  });

  it("answers pings", async () => {
    await new Promise<void>((resolve, reject) => {
      session.ping((error) => (error ? reject(error) : resolve()));
    });
  });
});
