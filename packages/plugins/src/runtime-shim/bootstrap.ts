import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BootstrapResultSchema } from "@slipway/api/containerd/runtime/bootstrap/v1/bootstrap_pb";
import { Fault } from "@slipway/fault/fault";
import { parseJson } from "@slipway/oci/documents/json-field";
import { readMessage } from "@slipway/rpc/read-message";
import type { Bundle } from "./bundle.ts";

/** How to reach a shim: what its `start` answered, and what bootstrap.json keeps of it. */
export interface Bootstrap {
  /** Of the task API: 2 or 3. */
  readonly version: number;
  /** A URI: `unix://PATH`. */
  readonly address: string;
  readonly protocol: string;
}

const NEWEST_VERSION = 3;

/** Reads any of the three forms that shims answer in: a bare address, JSON, or (2.3 and later) a BootstrapResult. */
export function parseBootstrap(answer: Uint8Array): Bootstrap {
  const text = Buffer.from(answer).toString("latin1").trim();
  const bootstrap = /^[\t\n\r -~]*$/.test(text)
    ? parseText(text)
    : readMessage(BootstrapResultSchema, answer);
  const { version, address, protocol } = bootstrap;
  if (version > NEWEST_VERSION) {
    throw new Fault("unimplemented", `unsupported shim version (${version}): not implemented`);
  }
  if (address === "") {
    throw new Fault("unknown", "Cannot reach the shim: its start succeeded, but names no address");
  }
  return { version, address, protocol: protocol.toLowerCase() };
}

function parseText(text: string): Bootstrap {
  const bare = { version: 2, address: text, protocol: "ttrpc" };
  if (!text.startsWith("{")) return bare;
  const answer = parseJson("the shim's answer", text);
  const version = answer.get("version").integer() ?? 0;
  const [address = "", protocol = ""] = [answer.get("address").text(), answer.get("protocol").text()];
  return version < 2 ? bare : { version, address, protocol };
}

/** What a bundle remembers. Older shims left an address alone. @throws when there is nothing */
export function readBootstrap({ path }: Pick<Bundle, "path">): Bootstrap {
  try {
    return parseBootstrap(readFileSync(join(path, "bootstrap.json")));
  } catch {
    return parseBootstrap(readFileSync(join(path, "address")));
  }
}

export function writeBootstrap(bundle: Bundle, { version, address, protocol }: Bootstrap): void {
  bundle.write("bootstrap.json", JSON.stringify({ version, address, protocol }));
}

/** The path of a unix socket's URI. */
export function socketPath(address: string): string {
  const [, scheme = "unix", path = address] = /^([a-z+]+):\/\/(.*)$/.exec(address) ?? [];
  if (scheme !== "unix") throw new Fault("unimplemented", `unsupported protocol: ${scheme}`);
  return path;
}
