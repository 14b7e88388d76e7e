import { Fault } from "@slipway/fault/fault";
import { readInteger } from "@slipway/fault/read-number";
import { type GrpcAddress, GrpcChannel } from "@slipway/grpc/channel";
import { Client } from "./client.ts";

export interface ConnectOptions {
  /** A socket's path, `unix://PATH`, or `tcp://HOST:PORT`. */
  readonly address: string;
  /** `default` unless told. */
  readonly namespace?: string;
}

/**
 * A client of the daemon at an address. The connection is made at the first call.
 *
 * @example
 * await using client = connect({ address: "/run/containerd/containerd.sock" });
 * console.log(await client.images.list());
 */
export function connect({ address, namespace = "default" }: ConnectOptions): Client {
  return new Client(new GrpcChannel(parseAddress(address)), { namespace }, address);
}

/** @throws {Fault} `invalid_argument` */
function parseAddress(address: string): GrpcAddress {
  const [, scheme = "unix", rest = ""] = /^(?:(unix|tcp):(?:\/\/)?)?(.*)$/.exec(address) ?? [];
  if (scheme === "unix" && rest.startsWith("/")) return rest;
  const [, host, port] = /^\[?([^\]]+)\]?:(\d+)$/.exec(rest) ?? [];
  if (scheme === "tcp" && host !== undefined && port !== undefined) {
    return { host, port: readInteger(`address "${address}" with port`, port, { min: 1, max: 65_535 }) };
  }
  throw new Fault(
    "invalid_argument",
    `Cannot connect to "${address}": neither a socket's path nor tcp://HOST:PORT`,
  );
}
