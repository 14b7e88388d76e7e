import { writeSync } from "node:fs";
import { type Logger } from "@slipway/core/plugin";
import { messageOf } from "@slipway/fault/fault";
import type { LogLevel } from "../config/config.ts";

type Fields = Readonly<Record<string, unknown>>;

const order: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal", "panic"];
/** Logrus' name for it, which log collectors know. */
const shown: Readonly<Partial<Record<LogLevel, string>>> = { warn: "warning" };

/** Writes lines as containerd's logger does, to stderr unless told, and tells nothing below `level`. */
export function createLogger(
  { level, format }: { readonly level: LogLevel; readonly format: "text" | "json" },
  write: (line: string) => void = writeToStderr,
): Logger {
  const least = order.indexOf(level);
  const line = format === "json" ? jsonLine : textLine;
  const at =
    (own: LogLevel) =>
    (message: string, fields: Fields = {}): void => {
      if (order.indexOf(own) < least) return;
      write(line(new Date().toISOString(), shown[own] ?? own, message, fields));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** What was reading may have left, or the log's disk be full: nobody's call fails for that. */
export function writeToStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // There is no other place to say it.
  }
}

/** A logger that adds `fields` to each of its lines. */
export function withFields(log: Logger, fields: Fields): Logger {
  return {
    debug: (message, own) => log.debug(message, { ...fields, ...own }),
    info: (message, own) => log.info(message, { ...fields, ...own }),
    warn: (message, own) => log.warn(message, { ...fields, ...own }),
    error: (message, own) => log.error(message, { ...fields, ...own }),
  };
}

function textLine(time: string, level: string, message: string, fields: Fields): string {
  const pairs = Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ` ${key}=${quoted(textOf(value))}`);
  return `time="${time}" level=${level} msg=${quoted(message)}${pairs.join("")}\n`;
}

function jsonLine(time: string, level: string, msg: string, fields: Fields): string {
  const values = Object.entries(fields).map(([key, value]) => [
    key,
    value instanceof Error ? value.message : value,
  ]);
  return `${JSON.stringify({ ...Object.fromEntries(values), level, msg, time })}\n`;
}

function quoted(text: string): string {
  return /^[A-Za-z0-9._/@^+-]+$/.test(text) ? text : JSON.stringify(text);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Error ? messageOf(value) : (JSON.stringify(value) ?? "undefined");
}
