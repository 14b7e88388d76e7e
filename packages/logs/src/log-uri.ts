import { Fault } from "@slipway/fault/fault";
import { integerIn } from "@slipway/fault/read-number";

const wanted: Readonly<Record<string, string>> = {
  "max-size": "a size such as 20m",
  "max-file": "a number from 1 to 100000",
  compress: "true or false",
};

/** How much of a log is kept. */
export interface LogLimits {
  /** A file of this size is put aside; Infinity for one that only grows. */
  readonly maxBytes: number;
  /** Of the log, with the one that is written. */
  readonly maxFiles: number;
  /** Whether those put aside are compressed. */
  readonly compress: boolean;
}

export interface LogTarget extends LogLimits {
  readonly file: string;
  /** A socket where the output can be followed byte by byte. */
  readonly attach?: string;
}

/** A hundred megabytes at most, most of them compressed: Docker's `local` driver has the same. */
export const defaultLimits: LogLimits = { maxBytes: 20 * 1024 ** 2, maxFiles: 5, compress: true };

/** `json-file:///PATH?max-size=10m&max-file=3&compress=true`: what a task's stdout says to have our shim write its log. */
export function formatLogUri({ file, attach, maxBytes, maxFiles, compress }: LogTarget): string {
  const uri = new URL(`json-file://${file.split("/").map(encodeURIComponent).join("/")}`);
  uri.searchParams.set("max-size", maxBytes === Infinity ? "-1" : String(maxBytes));
  uri.searchParams.set("max-file", String(maxFiles));
  uri.searchParams.set("compress", String(compress));
  if (attach !== undefined) uri.searchParams.set("attach", attach);
  return uri.href;
}

/** @throws {Fault} `invalid_argument` */
export function parseLogUri(text: string): LogTarget {
  const uri = URL.parse(text);
  if (uri?.protocol !== "json-file:" || uri.host !== "" || !uri.pathname.startsWith("/")) {
    throw new Fault("invalid_argument", `Cannot read log URI "${text}": expected json-file:///PATH`);
  }
  const attach = uri.searchParams.get("attach");
  return {
    file: decodeURIComponent(uri.pathname),
    ...parseLimits(Object.fromEntries(uri.searchParams)),
    ...(attach === null ? {} : { attach }),
  };
}

/** Reads Docker's words for it: `max-size`, `max-file`, `compress`. @throws {Fault} `invalid_argument` */
export function parseLimits(options: Readonly<Record<string, string>>): LogLimits {
  const { "max-size": size, "max-file": files, compress } = options;
  const refuse = (name: string, value: string): never => {
    throw new Fault(
      "invalid_argument",
      `Cannot read log option "${name}=${value}": it is not ${wanted[name]}`,
    );
  };
  const maxBytes =
    size === undefined ? defaultLimits.maxBytes : (parseBytes(size) ?? refuse("max-size", size));
  const maxFiles =
    files === undefined
      ? defaultLimits.maxFiles
      : (integerIn(files, { min: 1, max: 100_000 }) ?? refuse("max-file", files));
  if (compress !== undefined && !["true", "false"].includes(compress)) refuse("compress", compress);
  return {
    maxBytes,
    maxFiles,
    compress: compress === undefined ? defaultLimits.compress : compress === "true",
  };
}

function parseBytes(text: string): number | undefined {
  if (text === "-1") return Infinity;
  const [, number = "", unit = ""] = /^(\d+)([kmg]?)b?$/i.exec(text) ?? [];
  const bytes = Number(number) * 1024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase());
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}
