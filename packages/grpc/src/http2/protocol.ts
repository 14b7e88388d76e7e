/* RFC 9113: HTTP/2's numbers. */

export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
} as const;

export const Setting = {
  headerTableSize: 1,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

export const frameHeaderBytes = 9;
/** What a frame may hold unless the peer's settings say more. */
export const defaultFrameBytes = 16_384;
export const defaultWindowBytes = 65_535;
export const largestWindowBytes = 2 ** 31 - 1;
/** With which a client begins. */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** What ends a connection, by the code that its peer is told. */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A frame's header and its payload, which is short. */
export function encodeFrame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  writeFrameHeader(frame, type, flags, streamId, payload.length);
  frame.set(payload, frameHeaderBytes);
  return frame;
}

export function encodeFrameHeader(type: number, flags: number, streamId: number, bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes);
  writeFrameHeader(frame, type, flags, streamId, bytes);
  return frame;
}

function writeFrameHeader(frame: Buffer, type: number, flags: number, streamId: number, bytes: number): void {
  frame.writeUIntBE(bytes, 0, 3);
  frame[3] = type;
  frame[4] = flags;
  frame.writeUInt32BE(streamId, 5);
}

/** A frame whose payload is one number of 32 bits. */
export function encodeNumberFrame(type: number, streamId: number, number: number): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + 4);
  writeFrameHeader(frame, type, 0, streamId, 4);
  frame.writeUInt32BE(number, frameHeaderBytes);
  return frame;
}

export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value, 6 * index + 2);
  }
  return encodeFrame(FrameType.settings, 0, 0, payload);
}

export function protocolError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.protocolError, message);
}

export function sizeError(): ConnectionError {
  return new ConnectionError(ErrorCode.frameSizeError, "a frame of a wrong length");
}
