import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { Version } from "@slipway/api/containerd/services/version/v1/version_pb";
import { Fault } from "@slipway/fault/fault";
import { type CallContext, serve } from "@slipway/rpc/service";
import { GrpcServer } from "../server.ts";
import { encodeHeaders } from "./encode-headers.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import {
  encodeFrame,
  encodeNumberFrame,
  encodeSettings,
  ErrorCode,
  Flag,
  FrameType,
  preface,
  Setting,
} from "./protocol.ts";

const path = "/containerd.services.version.v1.Version/Version";
const request = encodeHeaders({ ":method": "POST", ":path": path, "x-one": "1" });
const whole = Flag.endHeaders;
const last = Flag.endHeaders | Flag.endStream;
/** A message without fields. */
const empty = Buffer.alloc(5);

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** A client that says what it is told to, and keeps what it hears. */
class Peer implements Disposable {
  readonly frames: Frame[] = [];
  readonly #socket: Socket;
  readonly ended: Promise<unknown>;
  #rest = Buffer.alloc(0);
  #heard = Promise.withResolvers<void>();

  constructor(address: string, begin: Uint8Array = begun()) {
    this.#socket = connect(address);
    this.#socket.on("error", () => {});
    this.ended = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.on("data", (chunk) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      while (this.#rest.length >= 9 && this.#rest.length >= 9 + this.#rest.readUIntBE(0, 3)) {
        const end = 9 + this.#rest.readUIntBE(0, 3);
        const frame = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end);
        const [type, flags] = [frame.readUInt8(3), frame.readUInt8(4)];
        this.frames.push({ type, flags, streamId: frame.readUInt32BE(5), payload: frame.subarray(9) });
      }
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    });
    this.say(begin);
  }

  say(...bytes: readonly Uint8Array[]): void {
    for (const one of bytes) this.#socket.write(one);
  }

  async hear(type: number, streamId: number): Promise<Frame> {
    for (;;) {
      const found = this.frames.find((frame) => frame.type === type && frame.streamId === streamId);
      if (found) return found;
      await this.#heard.promise;
    }
  }

  /** The code with which the server leaves. */
  async heardGoAway(): Promise<number> {
    const { payload } = await this.hear(FrameType.goAway, 0);
    await this.ended;
    return payload.readUInt32BE(4);
  }

  /** What a call is answered. */
  async answered(streamId: number): Promise<Record<string, string>> {
    for (;;) {
      const blocks = this.frames.filter(
        (frame) => frame.streamId === streamId && frame.type === FrameType.headers,
      );
      if (blocks.some(({ flags }) => flags & Flag.endStream)) {
        const decoder = new HeaderDecoder(100_000);
        return Object.fromEntries(blocks.flatMap(({ payload }) => decoder.decode(payload)));
      }
      await this.#heard.promise;
    }
  }

  stopReading(): void {
    this.#socket.pause();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

describe("ServerConnection", () => {
  const folder = mkdtempSync(join(tmpdir(), "slipway-http2-"));
  const address = join(folder, "s.sock");
  let handle: (context: CallContext) => Promise<{ version?: string }> | { version?: string } = () => ({});
  const server = new GrpcServer([serve(Version, { version: (_, context) => handle(context) })]);
  before(() => server.listen(address));
  afterEach(() => (handle = () => ({})));
  after(async () => {
    await server.drain(0);
    rmSync(folder, { recursive: true });
  });

  it("answers a call that comes byte by byte, padded, with a priority, its headers in parts", async () => {
    const seen: CallContext[] = [];
    handle = (context) => {
      seen.push(context);
      return { version: "v1" };
    };
    using peer = new Peer(address, Buffer.alloc(0));
    const padded = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([3]), bytes, Buffer.alloc(3)]);
    const first = padded(Buffer.concat([Buffer.alloc(5), request.subarray(0, 4)]));
    const all = Buffer.concat([
      preface,
      encodeSettings([]),
      encodeFrame(99, 0, 0, Buffer.from("an extension")),
      encodeFrame(FrameType.headers, Flag.padded | Flag.priority, 1, first),
      encodeFrame(FrameType.continuation, 0, 1, request.subarray(4, 10)),
      encodeFrame(FrameType.continuation, Flag.endHeaders, 1, request.subarray(10)),
      encodeFrame(FrameType.priority, 0, 1, Buffer.alloc(5)),
      encodeFrame(FrameType.data, Flag.padded, 1, padded(empty.subarray(0, 2))),
      encodeFrame(FrameType.data, 0, 1, empty.subarray(2)),
      encodeFrame(FrameType.data, Flag.endStream, 1, Buffer.alloc(0)),
    ]);
    for (const byte of all) peer.say(Buffer.from([byte]));
    assert.equal((await peer.answered(1))["grpc-status"], "0");
    assert.equal(seen[0]?.metadata.get("x-one"), "1");
    const { payload } = await peer.hear(FrameType.data, 1);
    assert.ok(payload.includes("v1"));
  });

  it("sends no more than the windows of the call and of the connection let through", async () => {
    handle = () => ({ version: "x".repeat(200_000) });
    using peer = new Peer(
      address,
      Buffer.concat([preface, encodeSettings([[Setting.initialWindowSize, 10]])]),
    );
    const call = Buffer.concat([
      encodeFrame(FrameType.headers, whole, 1, request),
      encodeFrame(FrameType.data, Flag.endStream, 1, empty),
    ]);
    peer.say(call);
    const sent = (): number =>
      peer.frames
        .filter(({ type }) => type === FrameType.data)
        .reduce((sum, { payload }) => sum + payload.length, 0);
    const settled = async (): Promise<number> => {
      const ping = Buffer.alloc(8, peer.frames.length);
      peer.say(encodeFrame(FrameType.ping, 0, 0, ping));
      while (!peer.frames.some(({ payload }) => payload.equals(ping)))
        await peer.hear(FrameType.ping, 0).then(() => new Promise(setImmediate));
      return sent();
    };
    assert.equal(await settled(), 10);
    peer.say(encodeNumberFrame(FrameType.windowUpdate, 1, 7));
    assert.equal(await settled(), 17);
    // A window that becomes smaller than what was sent is owed first.
    peer.say(
      encodeSettings([[Setting.initialWindowSize, 0]]),
      encodeNumberFrame(FrameType.windowUpdate, 1, 11),
    );
    assert.equal(await settled(), 18);
    peer.say(encodeSettings([[Setting.initialWindowSize, 1_000_000]]));
    assert.equal(await settled(), 65_535);
    peer.say(encodeNumberFrame(FrameType.windowUpdate, 0, 1_000_000));
    assert.equal((await peer.answered(1))["grpc-status"], "0");
    assert.ok(sent() > 200_000);
  });

  it("ends a call that sends more than it may, and refuses more calls than there may be", async () => {
    handle = async ({ signal }) => await once(signal, "abort").then(() => ({}));
    using peer = new Peer(address);
    peer.say(encodeFrame(FrameType.headers, whole, 1, request));
    const message = Buffer.alloc(16_384);
    message.writeUInt32BE(4_000_000, 1);
    // A message that is not whole is taken; three of them at once are more than a call may send unread.
    const three = Buffer.concat([empty, empty, empty]);
    peer.say(encodeFrame(FrameType.data, 0, 1, three));
    for (let sent = 0; sent < 70; sent += 1) peer.say(encodeFrame(FrameType.data, 0, 1, message));
    assert.equal(
      (await peer.hear(FrameType.resetStream, 1)).payload.readUInt32BE(),
      ErrorCode.flowControlError,
    );
    for (let id = 3; id <= 3 + 2 * 4096; id += 2) {
      peer.say(encodeFrame(FrameType.headers, whole, id, request));
    }
    const refused = await peer.hear(FrameType.resetStream, 3 + 2 * 4096);
    assert.equal(refused.payload.readUInt32BE(), ErrorCode.refusedStream);
  });

  it("tells a decoder whose table became smaller that it needs none", async () => {
    using peer = new Peer(address, Buffer.concat([preface, encodeSettings([[Setting.headerTableSize, 0]])]));
    peer.say(
      encodeFrame(FrameType.headers, whole, 1, request),
      encodeFrame(FrameType.data, Flag.endStream, 1, empty),
    );
    assert.equal((await peer.hear(FrameType.headers, 1)).payload[0], 0x20);
    assert.equal((await peer.answered(1))["grpc-status"], "0");
  });

  it("takes what a client still sends after its answer, however much, and drops it", async () => {
    using peer = new Peer(address);
    handle = () => {
      throw new Fault("aborted", "no");
    };
    const call = (id: number): Buffer => encodeFrame(FrameType.headers, whole, id, request);
    peer.say(call(1), encodeFrame(FrameType.data, 0, 1, empty));
    assert.equal((await peer.answered(1))["grpc-status"], "10");
    handle = () => ({});
    const much = Buffer.alloc(16_384);
    for (let said = 0; said < 40; said += 1) peer.say(encodeFrame(FrameType.data, 0, 1, much));
    await peer.hear(FrameType.windowUpdate, 1);
    peer.say(
      encodeFrame(FrameType.data, Flag.endStream, 1, empty),
      encodeNumberFrame(FrameType.windowUpdate, 1, 5),
    );
    peer.say(call(3), encodeFrame(FrameType.data, Flag.endStream, 3, empty));
    assert.equal((await peer.answered(3))["grpc-status"], "0");
    assert.ok(!peer.frames.some(({ type }) => type === FrameType.resetStream || type === FrameType.goAway));
  });

  const wrongs: readonly (readonly [string, Buffer, number])[] = [
    ["another protocol", Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), ErrorCode.protocolError],
    [
      "no settings",
      Buffer.concat([preface, encodeFrame(FrameType.headers, last, 1, request)]),
      ErrorCode.protocolError,
    ],
    [
      "a long frame",
      begun(encodeFrame(FrameType.data, 0, 1, Buffer.alloc(16_385))),
      ErrorCode.frameSizeError,
    ],
    ["data of no stream", begun(encodeFrame(FrameType.data, 0, 0, empty)), ErrorCode.protocolError],
    ["data of a stream to come", begun(encodeFrame(FrameType.data, 0, 5, empty)), ErrorCode.protocolError],
    [
      "a stream that is the server's",
      begun(encodeFrame(FrameType.headers, last, 2, request)),
      ErrorCode.protocolError,
    ],
    ["a short ping", begun(encodeFrame(FrameType.ping, 0, 0, Buffer.alloc(7))), ErrorCode.frameSizeError],
    [
      "half a setting",
      begun(encodeFrame(FrameType.settings, 0, 0, Buffer.alloc(5))),
      ErrorCode.frameSizeError,
    ],
    [
      "a window of 2³¹",
      begun(encodeSettings([[Setting.initialWindowSize, 2 ** 31]])),
      ErrorCode.flowControlError,
    ],
    ["no more window", begun(encodeNumberFrame(FrameType.windowUpdate, 0, 0)), ErrorCode.protocolError],
    ["a push", begun(encodeFrame(FrameType.pushPromise, 0, 1, Buffer.alloc(4))), ErrorCode.protocolError],
    [
      "a wrong header block",
      begun(encodeFrame(FrameType.headers, last, 1, Buffer.from([0xff]))),
      ErrorCode.compressionError,
    ],
    [
      "padding only",
      begun(encodeFrame(FrameType.headers, last | Flag.padded, 1, Buffer.from([9, 1]))),
      ErrorCode.protocolError,
    ],
    [
      "a frame inside of headers",
      begun(
        encodeFrame(FrameType.headers, 0, 1, request),
        encodeFrame(FrameType.ping, 0, 0, Buffer.alloc(8)),
      ),
      ErrorCode.protocolError,
    ],
    [
      "a continuation of nothing",
      begun(encodeFrame(FrameType.continuation, 0, 1, request)),
      ErrorCode.protocolError,
    ],
    [
      "headers without an end",
      begun(
        encodeFrame(FrameType.headers, 0, 1, request),
        ...Array.from({ length: 17 }, () => encodeFrame(FrameType.continuation, 0, 1, Buffer.alloc(16_000))),
      ),
      ErrorCode.enhanceYourCalm,
    ],
  ];
  for (const [name, bytes, code] of wrongs) {
    it(`says why it leaves a client that sends ${name}`, async () => {
      using peer = new Peer(address, bytes);
      assert.equal(await peer.heardGoAway(), code);
    });
  }

  it("leaves a client that asks and does not take the answers", async () => {
    using peer = new Peer(address);
    await peer.hear(FrameType.settings, 0);
    peer.stopReading();
    const pings = Buffer.concat(
      Array.from({ length: 4000 }, () => encodeFrame(FrameType.ping, 0, 0, Buffer.alloc(8))),
    );
    for (let said = 0; said < 40 * 1024 * 1024; said += pings.length) peer.say(pings);
    await peer.ended;
  });

  it("speaks with Node's client: all letters, long texts, many calls", async () => {
    const text = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join("");
    const seen: string[] = [];
    handle = ({ metadata }) => {
      seen.push(metadata.get("x-text") ?? "");
      throw new Fault("aborted", "x".repeat(40_000));
    };
    const session: ClientHttp2Session = connectHttp2("http://localhost", {
      createConnection: () => connect(address),
    });
    const call = async (value: string): Promise<string> => {
      const stream = session.request({ ":method": "POST", ":path": path, "x-text": value });
      stream.end(empty);
      const [headers] = (await once(stream, "response")) as [Record<string, string>];
      stream.resume();
      await once(stream, "close");
      return headers["grpc-message"] ?? "";
    };
    const texts = Array.from({ length: 200 }, (_, index) => `${index} ${text.slice(index % 95).trim()}`);
    for (const one of texts) assert.equal((await call(one)).length, 40_000);
    assert.deepEqual(seen, texts);
    session.destroy();
  });
});

/** What a client begins with, and these. */
function begun(...frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat([preface, encodeSettings([]), ...frames]);
}
