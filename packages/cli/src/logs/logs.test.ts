import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parseTime } from "../format/parse-time.ts";
import { JsonLog } from "./json-log.ts";
import { readLog } from "./read-log.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-logs-"));
after(() => rmSync(folder, { recursive: true }));

describe("JsonLog", () => {
  it("writes a line an object, and keeps streams apart until a line is whole", async () => {
    const file = join(folder, "lines.log");
    {
      using log = new JsonLog(file);
      log.write("stdout", Buffer.from("one\ntw"));
      log.write("stderr", Buffer.from("bad\n"));
      log.write("stdout", Buffer.from("o\nrest"));
    }
    const entries = await Array.fromAsync(readLog(file, { tail: Infinity }));
    assert.deepEqual(
      entries.map(({ stream, log }) => [stream, log]),
      [
        ["stdout", "one\n"],
        ["stderr", "bad\n"],
        ["stdout", "two\n"],
        ["stdout", "rest"],
      ],
    );
    assert.ok(readFileSync(file, "utf8").startsWith('{"log":"one\\n","stream":"stdout","time":"2'));
  });

  it("cuts lines that do not end", async () => {
    const file = join(folder, "long.log");
    {
      using log = new JsonLog(file);
      log.write("stdout", Buffer.alloc(40_000, "x"));
    }
    const lengths = (await Array.fromAsync(readLog(file, { tail: Infinity }))).map(({ log }) => log.length);
    assert.deepEqual(lengths, [16_384, 16_384, 7232]);
  });
});

describe("readLog", () => {
  const entry = (log: string): string =>
    `${JSON.stringify({ log, stream: "stdout", time: "2026-01-01T00:00:00.000Z" })}\n`;

  it("gives the last lines, and follows what is added until it is told to end", async () => {
    const file = join(folder, "follow.log");
    appendFileSync(file, entry("1") + entry("2") + entry("3"));
    const end = new AbortController();
    const seen: string[] = [];
    for await (const { log } of readLog(file, { tail: 2, follow: end.signal })) {
      seen.push(log);
      if (log === "3") appendFileSync(file, entry("4"));
      if (log === "4") {
        appendFileSync(file, entry("5"));
        end.abort();
      }
    }
    assert.deepEqual(seen, ["2", "3", "4", "5"]);
  });

  it("takes a log that was not begun as empty", async () => {
    assert.deepEqual(await Array.fromAsync(readLog(join(folder, "none.log"), { tail: 1 })), []);
  });
});

describe("parseTime", () => {
  it("reads dates, seconds and times ago", () => {
    const now = new Date("2026-01-01T12:00:00Z");
    assert.equal(parseTime("1h30m", now).toISOString(), "2026-01-01T10:30:00.000Z");
    assert.equal(parseTime("1767268800", now).toISOString(), "2026-01-01T12:00:00.000Z");
    assert.equal(parseTime("2026-01-01", now).toISOString(), "2026-01-01T00:00:00.000Z");
    assert.throws(() => parseTime("yesterday", now), /"yesterday"/);
  });
});
