import type { DescMethod, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import type { CallOptions, Client, Transport } from "./client.ts";

/** The client of a service over a transport: one function a method, shaped by the method's kind. */
export function createClient<S extends DescService>(service: S, transport: Transport): Client<S> {
  const entries = service.methods.map((method) => [method.localName, callOf(method, transport)] as const);
  return Object.fromEntries(entries) as unknown as Client<S>;
}

type Message = Record<string, unknown>;

/** The compiler cannot follow a method found by its name: `Client` says what each call takes and gives. */
function callOf(method: DescMethod, transport: Transport): unknown {
  const { methodKind } = method;
  if (methodKind === "unary") {
    return (request: Message, options: CallOptions = {}) =>
      transport.unary(method as DescMethodUnary, request, options);
  }
  if (methodKind === "server_streaming") {
    return (request: Message, options: CallOptions = {}) => transport.stream(method, once(request), options);
  }
  const stream = (requests: AsyncIterable<Message>, options: CallOptions = {}): AsyncIterable<unknown> =>
    transport.stream(method, requests, options);
  if (methodKind === "bidi_streaming") return stream;
  return (requests: AsyncIterable<Message>, options?: CallOptions) => only(stream(requests, options), method);
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

async function only<T>(answers: AsyncIterable<T>, { parent, name }: DescMethod): Promise<T> {
  for await (const answer of answers) return answer;
  throw new Fault("internal", `${parent.typeName}/${name} ended without an answer`);
}
