import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Metadata } from "./metadata.ts";

/** What a handler knows of its call besides the request. */
export interface CallContext {
  /** The full name, such as `/containerd.services.version.v1.Version/Version`. */
  readonly path: string;
  readonly metadata: Metadata;
  /** Aborts when the caller leaves, the deadline passes or the server stops. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting; absent when it waits for ever. */
  readonly deadline?: Date;
}

type Unary<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Promise<MessageInitShape<O>> | MessageInitShape<O>;
type ServerStreaming<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;
type ClientStreaming<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => Promise<MessageInitShape<O>>;
type BiDiStreaming<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

/** The function that serves method `M`. It throws a `Fault` to fail with that code. */
export type Handler<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? Unary<I, O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? ServerStreaming<I, O>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? ClientStreaming<I, O>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? BiDiStreaming<I, O>
          : never;

/** All methods of service `S`, by their camelCase names. */
export type ServiceHandlers<S extends DescService> = { [N in keyof S["method"]]: Handler<S["method"][N]> };

/** A service with the handlers that serve it: what a server is given. */
export interface ServiceRegistration<S extends DescService = DescService> {
  readonly service: S;
  readonly handlers: Partial<ServiceHandlers<S>>;
}

/** Ties handlers to their service. A method without a handler answers `unimplemented`. */
export function serve<S extends DescService>(
  service: S,
  handlers: Partial<ServiceHandlers<S>>,
): ServiceRegistration {
  return { service, handlers };
}
