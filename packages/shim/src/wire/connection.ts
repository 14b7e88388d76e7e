import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import { Metadata } from "@slipway/rpc/metadata";
import type { CallContext, ServiceRegistration } from "@slipway/rpc/service";
import { encodeFrame, type Frame, FrameReader, MessageType } from "./frame.ts";
import { decodeRequest, encodeAnswer, encodeFailure } from "./message.ts";

type AnyHandler = (request: unknown, context: CallContext) => unknown;

/** Serves unary calls on one accepted connection until it closes. A caller that leaves aborts its calls. */
export function serveConnection(socket: Socket, services: readonly ServiceRegistration[]): void {
  const reader = new FrameReader();
  const left = new AbortController();
  // Every call in flight may listen; a hundred Waits are no leak.
  setMaxListeners(0, left.signal);
  socket.on("data", (chunk) => {
    try {
      for (const frame of reader.push(chunk)) void answer(socket, services, frame, left.signal);
    } catch {
      socket.destroy();
    }
  });
  socket.on("error", () => socket.destroy());
  socket.once("close", () => left.abort());
}

async function answer(
  socket: Socket,
  services: readonly ServiceRegistration[],
  frame: Frame,
  left: AbortSignal,
): Promise<void> {
  if (frame.type !== MessageType.request) return;
  const data = await call(services, frame.data, left).catch(encodeFailure);
  if (!socket.destroyed)
    socket.write(encodeFrame({ streamId: frame.streamId, type: MessageType.response, data }));
}

async function call(
  services: readonly ServiceRegistration[],
  data: Uint8Array,
  left: AbortSignal,
): Promise<Uint8Array> {
  const request = decodeRequest(data);
  const registration = services.find(({ service }) => service.typeName === request.service);
  const method = registration?.service.methods.find(({ name }) => name === request.method);
  if (!registration || !method)
    throw new Fault("unimplemented", `method ${request.service}/${request.method} not found`);
  const handler = registration.handlers[method.localName] as AnyHandler | undefined;
  if (!handler) throw new Fault("unimplemented", `method ${request.method} not implemented`);
  const timeoutMs = Number(request.timeoutNs / 1_000_000n);
  const context: CallContext = {
    path: `/${request.service}/${request.method}`,
    metadata: new Metadata(request.metadata),
    signal: timeoutMs > 0 ? AbortSignal.any([left, AbortSignal.timeout(timeoutMs)]) : left,
    ...(timeoutMs > 0 ? { deadline: new Date(Date.now() + timeoutMs) } : {}),
  };
  const output: DescMessage = method.output;
  const response = (await handler(
    fromBinary(method.input, request.payload),
    context,
  )) as MessageInitShape<DescMessage>;
  return encodeAnswer(toBinary(output, create(output, response)));
}
