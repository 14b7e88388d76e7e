import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { JsonLog } from "./json-log.ts";
import { formatLogUri, parseLimits, parseLogUri } from "./log-uri.ts";
import { readLog } from "./read-log.ts";

let folder: string;
before(() => (folder = mkdtempSync(join(tmpdir(), "slipway-logs-"))));
after(() => rmSync(folder, { recursive: true }));

async function texts(file: string, tail = Infinity): Promise<string[]> {
  return (await Array.fromAsync(readLog(file, { tail }))).map(({ log }) => log);
}

const small = { maxBytes: 1000, maxFiles: 4, compress: true };
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`);

describe("JsonLog", () => {
  it("writes an entry a line, and keeps a line without its end until it comes", async () => {
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
    assert.match(
      readFileSync(file, "utf8"),
      /^\{"log":"one\\n","stream":"stdout","time":"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"\}\n/,
    );
  });

  it("cuts lines at 16 KiB", async () => {
    const file = join(folder, "long.log");
    {
      using log = new JsonLog(file);
      log.write("stdout", Buffer.from(`${"x".repeat(40_000)}\nnext\n`));
    }
    assert.deepEqual(
      (await texts(file)).map(({ length }) => length),
      [16_384, 16_384, 7233, 5],
    );
  });

  it("keeps so many files of so many bytes, and compresses the old ones", async () => {
    const file = join(folder, "rotated.log");
    using log = new JsonLog(file, small);
    log.write("stdout", Buffer.from(numbers(0, 100).join("")));
    await log.compressed;
    const names = readdirSync(folder).filter((name) => name.startsWith("rotated.log"));
    assert.deepEqual(names.toSorted(), ["rotated.log", ...[1, 2, 3].map((at) => `rotated.log.${at}.gz`)]);
    for (const name of names.filter((one) => one.endsWith(".gz"))) {
      assert.ok(gunzipSync(readFileSync(join(folder, name))).length <= 1000);
    }
    const kept = await texts(file);
    assert.ok(kept.length > 36 && kept.length <= 48, `${kept.length} lines`);
    assert.deepEqual(kept, numbers(100 - kept.length, 100));
    assert.deepEqual(await texts(file, 30), numbers(70, 100));
    assert.deepEqual(await texts(file, 0), []);
  });

  it("starts again with an empty file when it may have one", async () => {
    const file = join(folder, "single.log");
    using log = new JsonLog(file, { ...small, maxFiles: 1 });
    for (const line of numbers(0, 100)) log.write("stdout", Buffer.from(line));
    const kept = await texts(file);
    assert.ok(kept.length > 0 && kept.length < 20, `${kept.length} lines`);
    assert.deepEqual(kept, numbers(100 - kept.length, 100));
  });
});

describe("readLog", () => {
  const entry = (log: string, second = 0): string =>
    `${JSON.stringify({ log, stream: "stdout", time: `2026-01-01T00:00:0${second}.${log.padStart(2, "0")}Z` })}\n`;

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

  it("loses nothing while the log is put aside and compressed under several readers", async () => {
    const file = join(folder, "busy.log");
    const end = new AbortController();
    using log = new JsonLog(file, { maxBytes: 2000, maxFiles: 1000, compress: true });
    const read = async (): Promise<string[]> =>
      (await Array.fromAsync(readLog(file, { tail: Infinity, follow: end.signal }))).map((one) => one.log);
    const readers = [read(), read(), read()];
    for (let at = 0; at < 2000; at += 50) {
      log.write("stdout", Buffer.from(numbers(at, at + 50).join("")));
      await new Promise((resolve) => setImmediate(resolve));
    }
    end.abort();
    for (const lines of await Promise.all(readers)) assert.deepEqual(lines, numbers(0, 2000));
    await log.compressed;
    assert.deepEqual(await texts(file), numbers(0, 2000));
  });

  it("gives what lies between two times", async () => {
    const file = join(folder, "times.log");
    appendFileSync(file, entry("1", 1) + entry("2", 2) + entry("3", 3));
    const [since, until] = [new Date("2026-01-01T00:00:02Z"), new Date("2026-01-01T00:00:03Z")];
    const found = await Array.fromAsync(readLog(file, { tail: Infinity, since, until }));
    assert.deepEqual(
      found.map(({ log, time }) => [log, time]),
      [["2", "2026-01-01T00:00:02.020000000Z"]],
    );
  });

  it("takes a log that was not begun as empty, and leaves torn lines out", async () => {
    assert.deepEqual(await texts(join(folder, "none.log")), []);
    const file = join(folder, "torn.log");
    appendFileSync(file, `${entry("1")}{"log":"to\n${entry("2")}`);
    assert.deepEqual(await texts(file), ["1", "2"]);
  });
});

describe("parseLogUri", () => {
  it("reads what formatLogUri writes", () => {
    const target = {
      file: "/var/a b?#%/x.log",
      attach: "/run/x.sock",
      maxBytes: 5,
      maxFiles: 2,
      compress: false,
    };
    assert.deepEqual(parseLogUri(formatLogUri(target)), target);
    const endless = { file: "/x", maxBytes: Infinity, maxFiles: 1, compress: true };
    assert.deepEqual(parseLogUri(formatLogUri(endless)), endless);
  });

  it("reads Docker's words, and refuses what it cannot read", () => {
    assert.deepEqual(parseLimits({ "max-size": "10m", "max-file": "3" }), {
      maxBytes: 10 * 1024 ** 2,
      maxFiles: 3,
      compress: true,
    });
    assert.throws(() => parseLimits({ "max-size": "large" }), /"max-size=large"/);
    assert.throws(() => parseLimits({ "max-file": "0" }), /"max-file=0"/);
    assert.throws(() => parseLogUri("json-file:nowhere"), { code: "invalid_argument" });
  });
});
