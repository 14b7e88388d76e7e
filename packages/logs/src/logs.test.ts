import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
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
        ["stdout", "rest\n"],
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

  it("cuts long lines between two letters, in whatever pieces they come", async () => {
    const file = join(folder, "letters.log");
    const letters = `x${"ä€😀".repeat(9000)}`;
    {
      using log = new JsonLog(file);
      const bytes = Buffer.from(letters);
      for (let at = 0; at < bytes.length; at += 4099) log.write("stdout", bytes.subarray(at, at + 4099));
    }
    const pieces = await texts(file);
    assert.ok(pieces.length > 1);
    assert.equal(pieces.join(""), `${letters}\n`);
    assert.deepEqual(await texts(file, 1), pieces);
  });

  it("writes what is no text, an empty line and a carriage return without losing their places", async () => {
    const file = join(folder, "binary.log");
    {
      using log = new JsonLog(file);
      log.write("stdout", Buffer.alloc(40_000, 0x80));
      log.write("stdout", Buffer.from("\n\n10%\r20%\r\n\u0000\n"));
    }
    const pieces = await texts(file);
    assert.equal(pieces.slice(0, 3).join("").length, 40_001);
    assert.deepEqual(pieces.slice(3), ["\n", "10%\r20%\r\n", "\u0000\n"]);
  });

  it("begins a line of its own where a crash has torn the last one", async () => {
    const file = join(folder, "crash.log");
    appendFileSync(file, '{"log":"to');
    {
      using log = new JsonLog(file);
      log.write("stdout", Buffer.from("next\n"));
    }
    assert.deepEqual(await texts(file), ["next\n"]);
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
    `${JSON.stringify({ log: `${log}\n`, stream: "stdout", time: `2026-01-01T00:00:0${second}.${log.padStart(2, "0")}Z` })}\n`;

  it("gives the last lines, and follows what is added until it is told to end", async () => {
    const file = join(folder, "follow.log");
    appendFileSync(file, entry("1") + entry("2") + entry("3"));
    const end = new AbortController();
    const seen: string[] = [];
    for await (const { log: line } of readLog(file, { tail: 2, follow: end.signal })) {
      const log = line.trimEnd();
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
      found.map(({ log, time }) => [log.trimEnd(), time]),
      [["2", "2026-01-01T00:00:02.020000000Z"]],
    );
  });

  it("takes a log that was not begun as empty, and leaves torn lines out", async () => {
    assert.deepEqual(await texts(join(folder, "none.log")), []);
    const file = join(folder, "torn.log");
    appendFileSync(file, `${entry("1")}{"log":"to\n${entry("2")}`);
    assert.deepEqual(await texts(file), ["1\n", "2\n"]);
  });

  it("reads what follows a torn line or NUL bytes, and tells of each place that it cannot read", async () => {
    const file = join(folder, "damaged.log");
    const nothing = "\0".repeat(5000);
    const strange = ["5", "null", "[]", '{"log":1,"stream":"stdout","time":"2026-01-01T00:00:00Z"}'];
    const others = [
      '{"log":"x","stream":"nowhere","time":"2026-01-01T00:00:00Z"}',
      '{"log":"x","stream":"stdout","time":""}',
    ];
    appendFileSync(
      file,
      `${nothing}${entry("1")}{"log":"to${entry("2")}${[...strange, ...others].join("\n")}\n${entry("3")}`,
    );
    let damaged = 0;
    const found = await Array.fromAsync(readLog(file, { tail: Infinity, onDamage: () => (damaged += 1) }));
    assert.deepEqual(
      found.map(({ log }) => log.trimEnd()),
      ["1", "2", "3"],
    );
    assert.equal(damaged, strange.length + others.length);
  });

  it("reads the rest when a compressed file is damaged", async () => {
    const file = join(folder, "archive.log");
    appendFileSync(`${file}.1.gz`, "no archive");
    appendFileSync(file, entry("1"));
    let damaged = 0;
    const found = await Array.fromAsync(readLog(file, { tail: 5, onDamage: () => (damaged += 1) }));
    assert.deepEqual([found.map(({ log }) => log.trimEnd()), damaged], [["1"], 1]);
  });

  it("gives entries in the order of the file when the clock was set back, also from followed and rotated files", async () => {
    const file = join(folder, "clock.log");
    appendFileSync(file, entry("1", 9) + entry("2", 8));
    const end = new AbortController();
    const seen: string[] = [];
    for await (const { log: line } of readLog(file, { tail: Infinity, follow: end.signal })) {
      const log = line.trimEnd();
      seen.push(log);
      if (log === "2") {
        renameSync(file, `${file}.1`);
        appendFileSync(file, entry("3", 2));
      }
      if (log === "3") {
        appendFileSync(file, entry("4", 1));
        end.abort();
      }
    }
    assert.deepEqual(seen, ["1", "2", "3", "4"]);
    assert.deepEqual(await texts(file, 3), ["2\n", "3\n", "4\n"]);
    const since = new Date("2026-01-01T00:00:08Z");
    const late = await Array.fromAsync(readLog(file, { tail: Infinity, since }));
    assert.deepEqual(
      late.map(({ log }) => log.trimEnd()),
      ["1", "2"],
    );
    const early = await Array.fromAsync(
      readLog(file, { tail: Infinity, until: new Date("2026-01-01T00:00:07Z") }),
    );
    assert.deepEqual(
      early.map(({ log }) => log.trimEnd()),
      ["3", "4"],
    );
  });

  it("counts lines from the end, not their pieces, across files and streams", async () => {
    const file = join(folder, "pieces.log");
    const piece = (log: string, stream = "stdout"): string =>
      `${JSON.stringify({ log, stream, time: "2026-01-01T00:00:00Z" })}\n`;
    appendFileSync(`${file}.1`, piece("one\n") + piece("tw") + piece("bad\n", "stderr"));
    appendFileSync(
      file,
      piece("o\n") + piece("thr") + piece("wor", "stderr") + piece("ee\n") + piece("se\n", "stderr"),
    );
    assert.deepEqual(await texts(file, 1), ["wor", "se\n"]);
    assert.deepEqual(await texts(file, 2), ["thr", "wor", "ee\n", "se\n"]);
    assert.deepEqual(await texts(file, 3), ["bad\n", "thr", "wor", "ee\n", "se\n"]);
    assert.deepEqual((await texts(file, 4))[0], "tw");
    assert.deepEqual((await texts(file, 5))[0], "one\n");
  });

  it("reads a file once that is there compressed and as it was", async () => {
    const file = join(folder, "twice.log");
    appendFileSync(`${file}.1`, entry("1"));
    appendFileSync(`${file}.1.gz`, gzipSync(entry("1")));
    appendFileSync(file, entry("2"));
    assert.deepEqual(await texts(file), ["1\n", "2\n"]);
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
