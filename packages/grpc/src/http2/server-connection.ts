import type { Socket } from "node:net";
import { callWindowBytes, connectionWindowBytes } from "../windows.ts";
import { emptyTable } from "./encode-headers.ts";
import { FrameParser, withoutPadding } from "./frame-parser.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import { Output } from "./output.ts";
import {
  ConnectionError,
  defaultFrameBytes,
  defaultWindowBytes,
  encodeFrame,
  encodeFrameHeader,
  encodeNumberFrame,
  encodeSettings,
  ErrorCode,
  Flag,
  FrameType,
  largestWindowBytes,
  Setting,
} from "./protocol.ts";
import { ServerStream, type StreamSender } from "./server-stream.ts";

const maxStreams = 4096;
/** Of one call's headers, as they come and as they are read. */
const maxHeaderBytes = 256 * 1024;
/** From here on data waits for the client. */
const maxWaitingBytes = 1024 * 1024;
/** A client that asks, and does not take the answers. */
const maxUnreadBytes = 16 * 1024 * 1024;
/** What one stream sends before it is the next one's turn. */
const turnBytes = 64 * 1024;
/** How long a client may take to read why it is left. */
const goodbyeMs = 1000;
/** HPACK's default. */
const tableBytes = 4096;

/**
 * The server's end of one HTTP/2 connection: RFC 9113, without TLS, and without what gRPC does not use (pushes,
 * priorities). Node's own costs ten times as much a call, most of it for streams of its kind (bench/api.ts).
 */
export class ServerConnection implements StreamSender {
  readonly #socket: Socket;
  readonly #output: Output;
  readonly #onStream: (stream: ServerStream) => void;
  readonly #headers = new HeaderDecoder(maxHeaderBytes);
  readonly #streams = new Map<number, ServerStream>();
  /** Streams that have something to send and may, in turns. */
  readonly #ready = new Set<ServerStream>();
  /** A header block whose end has not come. */
  #block:
    | { readonly streamId: number; readonly isLast: boolean; readonly parts: Uint8Array[]; bytes: number }
    | undefined;
  #lastStreamId = 0;
  #receiveWindowBytes = connectionWindowBytes;
  #sendWindowBytes = defaultWindowBytes;
  #streamWindowBytes = defaultWindowBytes;
  #frameBytes = defaultFrameBytes;
  #tableShrank = false;
  #isClosing = false;
  #hasSettings = false;
  #isBroken = false;

  constructor(socket: Socket, onStream: (stream: ServerStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    this.#output = new Output(socket, () => this.#pump());
    socket.setNoDelay(true);
    const parser = new FrameParser({
      data: (id, bytes, counted, isLast) => this.#data(id, bytes, counted, isLast),
      frame: (type, flags, id, payload) => this.#frame(type, flags, id, payload),
    });
    socket.on("data", (chunk) => this.#guarded(() => parser.push(chunk)));
    // A connection that breaks is its client's affair: calls see their streams close.
    socket.on("error", () => {});
    socket.once("close", () => this.#closeStreams());
    this.#output.push(
      encodeSettings([
        [Setting.maxConcurrentStreams, maxStreams],
        [Setting.initialWindowSize, callWindowBytes],
        [Setting.maxHeaderListSize, maxHeaderBytes],
      ]),
    );
    this.#output.push(
      encodeNumberFrame(FrameType.windowUpdate, 0, connectionWindowBytes - defaultWindowBytes),
    );
  }

  /** Refuses new calls, and ends when the running ones have. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#goAway(ErrorCode.noError, "");
    this.#endIfDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  send(stream: ServerStream): void {
    this.#ready.add(stream);
    this.#pump();
  }

  sendHeaders(stream: ServerStream, block: Uint8Array, isLast: boolean): void {
    const whole = this.#tableShrank ? Buffer.concat([emptyTable, block]) : block;
    this.#tableShrank = false;
    const last = isLast ? Flag.endStream : 0;
    for (let at = 0; at === 0 || at < whole.length; at += defaultFrameBytes) {
      const part = whole.subarray(at, at + defaultFrameBytes);
      const end = at + defaultFrameBytes >= whole.length ? Flag.endHeaders : 0;
      const [type, flags] = at === 0 ? [FrameType.headers, end | last] : [FrameType.continuation, end];
      this.#output.push(encodeFrame(type, flags, stream.id, part));
    }
    if (isLast) this.#finished(stream);
  }

  sendCredit(stream: ServerStream, bytes: number): void {
    this.#output.push(encodeNumberFrame(FrameType.windowUpdate, stream.id, bytes));
  }

  /** Sends what may be sent: each stream some, in turns. */
  #pump(): void {
    for (const stream of this.#ready) {
      if (this.#output.waitingBytes > maxWaitingBytes) return;
      this.#ready.delete(stream);
      if (stream.isClosed) continue;
      const isBlocked = !this.#sendTurn(stream);
      if (stream.waitingBytes > 0) {
        // One that waits for its own window comes back with it; for the connection's, all wait.
        if (stream.sendWindowBytes > 0) this.#ready.add(stream);
        if (isBlocked && this.#sendWindowBytes <= 0) return;
      } else if (stream.trailers) this.sendHeaders(stream, stream.trailers, true);
    }
  }

  /** @returns false when a window is closed */
  #sendTurn(stream: ServerStream): boolean {
    for (let sent = 0; sent < turnBytes && stream.waitingBytes > 0;) {
      const most = Math.min(this.#frameBytes, this.#sendWindowBytes, stream.sendWindowBytes);
      if (most <= 0) return false;
      const bytes = Math.min(most, stream.waitingBytes);
      this.#sendWindowBytes -= bytes;
      sent += bytes;
      this.#output.push(encodeFrameHeader(FrameType.data, 0, stream.id, bytes));
      for (const part of stream.take(bytes)) this.#output.push(part);
    }
    return true;
  }

  #guarded(work: () => void): void {
    if (this.#isBroken) return;
    try {
      work();
      if (this.#output.waitingBytes > maxUnreadBytes) {
        throw new ConnectionError(ErrorCode.enhanceYourCalm, "answers are not read");
      }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#isBroken = true;
      this.#goAway(error.code, error.message);
      this.#output.end();
      // Whoever does not read it does not keep the connection by that.
      if (this.#output.waitingBytes > maxWaitingBytes) this.#socket.destroy();
      else setTimeout(() => this.#socket.destroy(), goodbyeMs).unref();
    }
  }

  #data(streamId: number, bytes: Uint8Array, countedBytes: number, isLast: boolean): void {
    this.#noBlockIsOpen();
    this.#receiveWindowBytes -= countedBytes;
    if (this.#receiveWindowBytes < 0)
      throw new ConnectionError(ErrorCode.flowControlError, "more data than allowed");
    if (this.#receiveWindowBytes < connectionWindowBytes / 2) {
      const credit = connectionWindowBytes - this.#receiveWindowBytes;
      this.#receiveWindowBytes += credit;
      this.#output.push(encodeNumberFrame(FrameType.windowUpdate, 0, credit));
    }
    const stream = this.#known(streamId, "data");
    if (!stream) return;
    if (stream.clientIsDone) return this.#reset(stream, ErrorCode.streamClosed);
    if (!stream.receive(bytes, countedBytes)) return this.#reset(stream, ErrorCode.flowControlError);
    if (isLast) stream.clientDone();
  }

  #frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    if (!this.#hasSettings && type !== FrameType.settings) throw protocolError("settings come first");
    if (type !== FrameType.continuation) this.#noBlockIsOpen();
    switch (type) {
      case FrameType.headers:
        return this.#beginBlock(flags, streamId, payload);
      case FrameType.continuation:
        return this.#continueBlock(flags, streamId, payload);
      case FrameType.resetStream:
        if (payload.length !== 4) throw sizeError();
        return this.#closed(this.#known(streamId, "a reset"));
      case FrameType.settings:
        return this.#settings(flags, streamId, payload);
      case FrameType.ping:
        if (payload.length !== 8) throw sizeError();
        if (streamId !== 0) throw protocolError("a ping on a stream");
        if (!(flags & Flag.ack)) this.#output.push(encodeFrame(FrameType.ping, Flag.ack, 0, payload));
        return;
      case FrameType.windowUpdate:
        return this.#credit(streamId, payload);
      case FrameType.pushPromise:
        throw protocolError("a push by a client");
      case FrameType.priority:
        if (payload.length !== 5) throw sizeError();
        if (streamId === 0) throw protocolError("a priority of no stream");
        return;
      default:
      // GOAWAY: the client opens no more. Others are extensions, to be passed over.
    }
  }

  #beginBlock(flags: number, streamId: number, payload: Uint8Array): void {
    let part = flags & Flag.padded ? withoutPadding(payload) : payload;
    if (flags & Flag.priority) {
      if (part.length < 5) throw sizeError();
      part = part.subarray(5);
    }
    if (streamId % 2 === 0) throw protocolError("headers on a stream that is not a client's");
    this.#block = { streamId, isLast: (flags & Flag.endStream) !== 0, parts: [], bytes: 0 };
    this.#continueBlock(flags, streamId, part);
  }

  #continueBlock(flags: number, streamId: number, part: Uint8Array): void {
    const block = this.#block;
    if (block?.streamId !== streamId) throw protocolError("a continuation of nothing");
    block.parts.push(part);
    // Empty ones count, too.
    block.bytes += part.length + 1;
    if (block.bytes > maxHeaderBytes)
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "headers are too long");
    if (!(flags & Flag.endHeaders)) return;
    this.#block = undefined;
    const [only] = block.parts;
    const whole = block.parts.length === 1 && only ? only : Buffer.concat(block.parts);
    const fields = this.#headers.decode(whole);
    const known = this.#streams.get(streamId);
    if (known) {
      // A client's trailers, which gRPC has none of.
      if (!block.isLast) return this.#reset(known, ErrorCode.protocolError);
      return known.clientDone();
    }
    // Of a stream that has ended meanwhile.
    if (streamId <= this.#lastStreamId) return;
    if (this.#isClosing || this.#streams.size >= maxStreams) {
      if (!this.#isClosing) this.#lastStreamId = streamId;
      return this.#sendReset(streamId, ErrorCode.refusedStream);
    }
    this.#lastStreamId = streamId;
    const stream = new ServerStream(streamId, fields, this.#streamWindowBytes, this);
    this.#streams.set(streamId, stream);
    this.#onStream(stream);
    if (block.isLast) stream.clientDone();
  }

  #settings(flags: number, streamId: number, payload: Uint8Array): void {
    if (streamId !== 0) throw protocolError("settings of a stream");
    if (payload.length % 6 !== 0 || (flags & Flag.ack && payload.length > 0)) throw sizeError();
    this.#hasSettings = true;
    if (flags & Flag.ack) return;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    for (let at = 0; at < payload.length; at += 6) this.#setting(view.getUint16(at), view.getUint32(at + 2));
    this.#output.push(encodeFrame(FrameType.settings, Flag.ack, 0, new Uint8Array()));
    this.#pump();
  }

  #setting(id: number, value: number): void {
    if (id === Setting.headerTableSize && value < tableBytes) this.#tableShrank = true;
    if (id === Setting.maxFrameSize) {
      if (value < defaultFrameBytes || value > 2 ** 24 - 1) throw protocolError("a wrong frame size");
      // Larger ones would let one stream keep the others waiting.
      this.#frameBytes = Math.min(value, turnBytes);
    }
    if (id !== Setting.initialWindowSize) return;
    if (value > largestWindowBytes)
      throw new ConnectionError(ErrorCode.flowControlError, "a window is too large");
    const more = value - this.#streamWindowBytes;
    this.#streamWindowBytes = value;
    for (const stream of this.#streams.values()) {
      stream.sendWindowBytes += more;
      if (stream.sendWindowBytes > largestWindowBytes) {
        throw new ConnectionError(ErrorCode.flowControlError, "a window is too large");
      }
      if (stream.waitingBytes > 0 && stream.sendWindowBytes > 0) this.#ready.add(stream);
    }
  }

  #credit(streamId: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw sizeError();
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, 4).readUInt32BE() & 0x7fff_ffff;
    if (streamId === 0) {
      if (bytes === 0) throw protocolError("a window that stays as it is");
      this.#sendWindowBytes += bytes;
      if (this.#sendWindowBytes > largestWindowBytes) {
        throw new ConnectionError(ErrorCode.flowControlError, "a window is too large");
      }
      return this.#pump();
    }
    const stream = this.#known(streamId, "a window");
    if (!stream) return;
    if (bytes === 0) return this.#reset(stream, ErrorCode.protocolError);
    stream.sendWindowBytes += bytes;
    if (stream.sendWindowBytes > largestWindowBytes) return this.#reset(stream, ErrorCode.flowControlError);
    if (stream.waitingBytes > 0) this.send(stream);
  }

  /** Nothing for a stream that has ended. @throws {ConnectionError} for one that has not begun */
  #known(streamId: number, what: string): ServerStream | undefined {
    const stream = this.#streams.get(streamId);
    if (stream) return stream;
    const isIdle = streamId === 0 || streamId % 2 === 0 || streamId > this.#lastStreamId;
    // What was refused while closing is not counted.
    if (isIdle && !(this.#isClosing && streamId % 2 === 1))
      throw protocolError(`${what} of a stream that is not open`);
    return undefined;
  }

  #noBlockIsOpen(): void {
    if (this.#block) throw protocolError("another frame inside of headers");
  }

  /** All was sent. A client that still sends is told to stop. */
  #finished(stream: ServerStream): void {
    if (!stream.clientIsDone) this.#sendReset(stream.id, ErrorCode.noError);
    this.#closed(stream);
  }

  #reset(stream: ServerStream, code: number): void {
    this.#sendReset(stream.id, code);
    this.#closed(stream);
  }

  #sendReset(streamId: number, code: number): void {
    this.#output.push(encodeNumberFrame(FrameType.resetStream, streamId, code));
  }

  #closed(stream: ServerStream | undefined): void {
    if (!stream) return;
    this.#streams.delete(stream.id);
    this.#ready.delete(stream);
    stream.close();
    this.#endIfDone();
  }

  #closeStreams(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
    this.#ready.clear();
  }

  #goAway(code: number, message: string): void {
    const payload = Buffer.alloc(8 + Buffer.byteLength(message));
    payload.writeUInt32BE(this.#lastStreamId, 0);
    payload.writeUInt32BE(code, 4);
    payload.write(message, 8);
    this.#output.push(encodeFrame(FrameType.goAway, 0, 0, payload));
  }

  #endIfDone(): void {
    if (this.#isClosing && this.#streams.size === 0) this.#output.end();
  }
}

function protocolError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.protocolError, message);
}

function sizeError(): ConnectionError {
  return new ConnectionError(ErrorCode.frameSizeError, "a frame of a wrong length");
}
