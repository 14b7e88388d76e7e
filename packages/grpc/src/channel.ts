import { once } from "node:events";
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { connect as connectSocket } from "node:net";
import type {
  DescMessage,
  DescMethod,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import type { CallOptions, Transport } from "@slipway/rpc/client";
import { readMessage } from "@slipway/rpc/read-message";
import { ClientCall } from "./client-call.ts";
import { encodeFrame, unframe } from "./frames.ts";
import { ErrorCode } from "./http2/protocol.ts";
import { readingSocket } from "./reading-socket.ts";
import { formatTimeout } from "./timeout.ts";
import { callWindowBytes, connectionWindowBytes, sessionMegabytes } from "./windows.ts";

export interface GrpcChannelOptions {
  /** In bytes; 16 MiB unless told, as containerd's own client has it. */
  readonly maxReceiveMessageBytes?: number;
  readonly maxSendMessageBytes?: number;
}

/** A unix socket's path, or a host and port. */
export type GrpcAddress = string | { readonly host: string; readonly port: number };

const defaultMessageBytes = 16 * 1024 * 1024;

/**
 * gRPC over HTTP/2 without TLS, on one connection. It is made at the first call, and again at the first call after it
 * broke: a call that was on its way then fails with `unavailable`, later ones reach the restarted server.
 */
export class GrpcChannel implements Transport {
  readonly #address: GrpcAddress;
  readonly #maxReceiveBytes: number;
  readonly #maxSendBytes: number;
  #connection: Connection | undefined;
  #closed = false;

  constructor(address: GrpcAddress, options: GrpcChannelOptions = {}) {
    this.#address = address;
    this.#maxReceiveBytes = options.maxReceiveMessageBytes ?? defaultMessageBytes;
    this.#maxSendBytes = options.maxSendMessageBytes ?? defaultMessageBytes;
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    let answer: MessageShape<O> | undefined;
    // The status comes after the answer: an answer counts only when the call ended well.
    for await (const message of this.stream(method, one(request), options)) answer = message;
    if (answer === undefined) throw new Fault("internal", "grpc: the call ended without an answer");
    return answer;
  }

  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
    requests: AsyncIterable<MessageInitShape<I>>,
    options: CallOptions,
  ): AsyncGenerator<MessageShape<O>> {
    const connection = this.#connect();
    using call = new ClientCall(
      connection.session.request(headersOf(method, options)),
      options,
      () => connection.failure,
    );
    void this.#send(call, method.input, requests);
    try {
      for await (const bytes of unframe(call.bytes(), this.#maxReceiveBytes)) {
        yield readMessage(method.output, bytes, "internal");
      }
      await call.ended();
    } catch (error) {
      throw call.failureOf(error);
    }
  }

  /** Closes the connection; calls that run fail with `canceled`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const session = this.#connection?.session;
    if (!session || session.destroyed) return;
    const closed = once(session, "close");
    session.destroy(undefined, ErrorCode.cancel);
    await closed;
  }

  #connect(): Connection {
    if (this.#closed) throw new Fault("canceled", "grpc: the client connection is closing");
    const { session } = this.#connection ?? {};
    if (!this.#connection || session?.closed || session?.destroyed) {
      this.#connection = connectTo(this.#address);
    }
    return this.#connection;
  }

  /** Sends until the requests or the call end. What `requests` throws ends the call and is thrown from it. */
  async #send<I extends DescMessage>(
    call: ClientCall,
    schema: I,
    requests: AsyncIterable<MessageInitShape<I>>,
  ): Promise<void> {
    try {
      for await (const request of requests) {
        if (call.isOver) return;
        await call.write(encodeFrame(schema, request, this.#maxSendBytes));
      }
      call.finishSending();
    } catch (error) {
      call.cancel(error);
    }
  }
}

function headersOf(method: DescMethod, { metadata, timeoutMs }: CallOptions): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {
    ":method": "POST",
    ":path": `/${method.parent.typeName}/${method.name}`,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "slipway",
    ...(timeoutMs === undefined ? {} : { "grpc-timeout": formatTimeout(timeoutMs) }),
  };
  for (const [key, value] of metadata ?? []) {
    const before = headers[key];
    headers[key] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

interface Connection {
  readonly session: ClientHttp2Session;
  /** Why it could not be made, or broke. */
  failure?: Fault;
}

function connectTo(address: GrpcAddress): Connection {
  const socket = typeof address === "string" ? connectSocket(address) : connectSocket(address);
  // Loaded when there is something to call: it costs a daemon that only serves 10 ms of its start.
  const { connect } = process.getBuiltinModule("node:http2");
  const session = connect("http://localhost", {
    createConnection: () => readingSocket(socket),
    maxSessionMemory: sessionMegabytes,
    settings: { initialWindowSize: callWindowBytes, enablePush: false },
  });
  const connection: Connection = { session };
  // The calls see their streams close; why, the socket says.
  session.on("error", () => {});
  session.once("connect", () => {
    if (!session.destroyed) session.setLocalWindowSize(connectionWindowBytes);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    const name = typeof address === "string" ? address : `${address.host}:${address.port}`;
    connection.failure = new Fault("unavailable", `Cannot reach "${name}": ${reasonOf(error)}`, {
      cause: error,
    });
  });
  return connection;
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "no such file or directory";
  if (error.code === "ECONNREFUSED") return "connection refused";
  if (error.code === "EACCES") return "permission denied";
  return error.message;
}

async function* one<T>(value: T): AsyncGenerator<T> {
  yield value;
}
