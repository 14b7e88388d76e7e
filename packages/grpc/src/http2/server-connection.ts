import type { Socket } from "node:net";
import { callWindowBytes, connectionWindowBytes } from "../windows.ts";
import { FrameParser } from "./frame-parser.ts";
import { type HeaderBlock, HeaderBlocks, maxHeaderBytes } from "./header-blocks.ts";
import { Output } from "./output.ts";
import {
  ConnectionError,
  defaultWindowBytes,
  encodeFrame,
  encodeNumberFrame,
  encodeSettings,
  ErrorCode,
  Flag,
  FrameType,
  largestWindowBytes,
  protocolError,
  Setting,
  sizeError,
} from "./protocol.ts";
import { Sender } from "./sender.ts";
import { ServerStream, type StreamSender } from "./server-stream.ts";

const maxStreams = 4096;
/** A client that asks, and does not take the answers. */
const maxUnreadBytes = 16 * 1024 * 1024;
/** How long a client may take to read why it is left. */
const goodbyeMs = 1000;

/**
 * The server's end of one HTTP/2 connection: RFC 9113, without TLS, and without what gRPC does not use (pushes,
 * priorities). Node's own takes three times as long for a call, most of it for streams of its kind (bench/api.ts).
 *
 * Who may open our socket is root: a client may cancel as many calls as it likes. Go's content reader cancels one for
 * each 32 KiB that it has read.
 */
export class ServerConnection implements StreamSender {
  readonly #socket: Socket;
  readonly #output: Output;
  readonly #sender: Sender;
  readonly #onStream: (stream: ServerStream) => void;
  readonly #blocks = new HeaderBlocks();
  readonly #streams = new Map<number, ServerStream>();
  #lastStreamId = 0;
  #receiveWindowBytes = connectionWindowBytes;
  #hasSettings = false;
  #isClosing = false;
  #isBroken = false;

  constructor(socket: Socket, onStream: (stream: ServerStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    this.#output = new Output(socket, () => this.#sender.pump());
    this.#sender = new Sender(this.#output, (stream) => this.#sent(stream));
    socket.setNoDelay(true);
    const parser = new FrameParser({
      data: (id, bytes, counted, isLast) => this.#data(id, bytes, counted, isLast),
      frame: (type, flags, id, payload) => this.#frame(type, flags, id, payload),
    });
    socket.on("data", (chunk) => {
      this.#guarded(() => parser.push(chunk));
      giveBack(chunk);
    });
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
    this.#sender.send(stream);
  }

  sendHeaders(stream: ServerStream, block: Uint8Array, isLast: boolean): void {
    this.#sender.sendHeaders(stream, block, isLast);
  }

  sendCredit(stream: ServerStream, bytes: number): void {
    this.#output.push(encodeNumberFrame(FrameType.windowUpdate, stream.id, bytes));
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
      if (this.#output.waitingBytes > maxUnreadBytes) this.#socket.destroy();
      else setTimeout(() => this.#socket.destroy(), goodbyeMs).unref();
    }
  }

  #data(streamId: number, bytes: Uint8Array, countedBytes: number, isLast: boolean): void {
    if (this.#blocks.isOpen) throw protocolError("another frame inside of headers");
    this.#receiveWindowBytes -= countedBytes;
    if (this.#receiveWindowBytes < 0) {
      throw new ConnectionError(ErrorCode.flowControlError, "more data than allowed");
    }
    if (this.#receiveWindowBytes < connectionWindowBytes / 2) {
      const credit = connectionWindowBytes - this.#receiveWindowBytes;
      this.#receiveWindowBytes += credit;
      this.#output.push(encodeNumberFrame(FrameType.windowUpdate, 0, credit));
    }
    const stream = this.#known(streamId, "data");
    if (!stream) return;
    if (stream.clientIsDone) return this.#reset(stream, ErrorCode.streamClosed);
    if (!stream.receive(bytes, countedBytes)) return this.#reset(stream, ErrorCode.flowControlError);
    if (isLast) this.#clientDone(stream);
  }

  #frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    if (!this.#hasSettings && type !== FrameType.settings) throw protocolError("settings come first");
    if (this.#blocks.isOpen && type !== FrameType.continuation) {
      throw protocolError("another frame inside of headers");
    }
    switch (type) {
      case FrameType.headers:
        return this.#headers(this.#blocks.begin(flags, streamId, payload));
      case FrameType.continuation:
        return this.#headers(this.#blocks.continue(flags, streamId, payload));
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

  #headers(block: HeaderBlock | undefined): void {
    if (!block) return;
    const { streamId, isLast, fields } = block;
    const known = this.#streams.get(streamId);
    // A client's trailers, of which gRPC has none.
    if (known) return isLast ? this.#clientDone(known) : this.#reset(known, ErrorCode.protocolError);
    // Of a stream that has ended meanwhile.
    if (streamId <= this.#lastStreamId) return;
    if (this.#isClosing) return this.#sendReset(streamId, ErrorCode.refusedStream);
    this.#lastStreamId = streamId;
    if (this.#streams.size >= maxStreams) return this.#sendReset(streamId, ErrorCode.refusedStream);
    const stream = new ServerStream(streamId, fields, this.#sender.streamWindowBytes, this);
    this.#streams.set(streamId, stream);
    this.#onStream(stream);
    if (isLast) this.#clientDone(stream);
  }

  #settings(flags: number, streamId: number, payload: Uint8Array): void {
    if (streamId !== 0) throw protocolError("settings of a stream");
    if (payload.length % 6 !== 0 || (flags & Flag.ack && payload.length > 0)) throw sizeError();
    this.#hasSettings = true;
    if (flags & Flag.ack) return;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    for (let at = 0; at < payload.length; at += 6) {
      const [id, value] = [view.getUint16(at), view.getUint32(at + 2)];
      if (id === Setting.headerTableSize) this.#sender.setTable(value);
      if (id === Setting.maxFrameSize) this.#sender.setFrameBytes(value);
      if (id === Setting.initialWindowSize) this.#sender.setStreamWindow(value, this.#streams.values());
    }
    this.#output.push(encodeFrame(FrameType.settings, Flag.ack, 0, new Uint8Array()));
    this.#sender.pump();
  }

  #credit(streamId: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw sizeError();
    const bytes = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0) & 0x7fff_ffff;
    if (streamId === 0) {
      if (bytes === 0) throw protocolError("a window that stays as it is");
      return this.#sender.addWindow(bytes);
    }
    const stream = this.#known(streamId, "a window");
    if (!stream) return;
    if (bytes === 0) return this.#reset(stream, ErrorCode.protocolError);
    stream.sendWindowBytes += bytes;
    if (stream.sendWindowBytes > largestWindowBytes) return this.#reset(stream, ErrorCode.flowControlError);
    if (stream.waitingBytes > 0) this.#sender.send(stream);
  }

  /** Nothing for a stream that has ended. @throws {ConnectionError} for one that has not begun */
  #known(streamId: number, what: string): ServerStream | undefined {
    const stream = this.#streams.get(streamId);
    if (stream) return stream;
    const isClients = streamId % 2 === 1;
    // What was refused while closing is not counted.
    if (!isClients || (streamId > this.#lastStreamId && !this.#isClosing)) {
      throw protocolError(`${what} of a stream that is not open`);
    }
    return undefined;
  }

  /** What a client still sends after its answer is taken and dropped, until it has heard of that. */
  #sent(stream: ServerStream): void {
    stream.close();
    if (stream.clientIsDone) this.#closed(stream);
    else this.#endIfDone();
  }

  #clientDone(stream: ServerStream): void {
    stream.clientDone();
    if (stream.isClosed) this.#closed(stream);
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
    this.#sender.forget(stream);
    stream.close();
    this.#endIfDone();
  }

  #closeStreams(): void {
    for (const stream of this.#streams.values()) {
      this.#sender.forget(stream);
      stream.close();
    }
    this.#streams.clear();
  }

  #goAway(code: number, message: string): void {
    const payload = Buffer.alloc(8 + Buffer.byteLength(message));
    payload.writeUInt32BE(this.#lastStreamId, 0);
    payload.writeUInt32BE(code, 4);
    payload.write(message, 8);
    this.#output.push(encodeFrame(FrameType.goAway, 0, 0, payload));
  }

  #endIfDone(): void {
    if (this.#isClosing && this.#streams.values().every(({ isClosed }) => isClosed)) this.#output.end();
  }
}

/** Of what is read at once. Less is not worth it. */
const largeBytes = 16 * 1024;

/**
 * Gives the memory of what was read back at once. V8 counts what uploads leave behind, and with a small heap collects all of
 * that every few megabytes to be rid of it (bench/pull.ts).
 */
function giveBack({ buffer, length }: Buffer): void {
  if (length >= largeBytes && length === buffer.byteLength && buffer instanceof ArrayBuffer)
    buffer.transfer(0);
}
