import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Bucket, Reader } from "@slipway/core/store";
import { type FaultCode, hasCode } from "@slipway/fault/fault";
import { SqliteStore } from "./sqlite-store.ts";

const words: Bucket<string> = {
  name: "words",
  encode: (value) => Buffer.from(value),
  decode: (bytes) => Buffer.from(bytes).toString(),
};
const others: Bucket<string> = { ...words, name: "others" };
const keys = (reader: Reader, prefix?: string): string[] =>
  [...reader.list(words, prefix)].map(([key]) => key);

describe("SqliteStore", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "slipway-store-"));
    path = join(folder, "slipway.db");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("reads what it was given, also after it was opened again", async () => {
    {
      await using store = SqliteStore.open(path);
      await store.update((transaction) => {
        transaction.put(words, "a", "one");
        transaction.put(words, "gone", "two");
        transaction.put(others, "a", "three");
      });
      await store.update((transaction) => transaction.delete(words, "gone"));
    }
    await using store = SqliteStore.open(path);
    store.read((reader) => {
      assert.equal(reader.get(words, "a"), "one");
      assert.equal(reader.get(words, "gone"), undefined);
      assert.equal(reader.get(others, "a"), "three");
    });
  });

  it("shows an update that another one follows at once", async () => {
    await using store = SqliteStore.open(path);
    const order: string[] = [];
    const note = (name: string) => (): unknown => order.push(name);
    const first = store.update((transaction) => transaction.put(words, "a", "one")).then(note("awaited"));
    const isFollowed = (): boolean => true;
    const second = store.update((transaction) => transaction.put(words, "b", "two"), { isFollowed });
    await second.then(note("followed"));
    assert.deepEqual(store.read(keys), ["a", "b"]);
    await first;
    assert.deepEqual(order, ["followed", "awaited"]);
  });

  it("lists by prefix in the order of the keys' bytes", async () => {
    await using store = SqliteStore.open(path);
    await store.update((transaction) => {
      for (const key of ["ns/b", "ns/a", "ns0", "ns/\u{1f600}", "ns/\uffee", "n"])
        transaction.put(words, key, key);
    });
    store.read((reader) => {
      assert.deepEqual(keys(reader, "ns/"), ["ns/a", "ns/b", "ns/\uffee", "ns/\u{1f600}"]);
      assert.deepEqual(keys(reader), ["n", "ns/a", "ns/b", "ns/\uffee", "ns/\u{1f600}", "ns0"]);
    });
  });

  it("shows an update its own writes and those of updates before it", async () => {
    await using store = SqliteStore.open(path);
    const count = async (): Promise<void> =>
      await store.update((transaction) => {
        const before = Number(transaction.get(words, "count") ?? 0);
        transaction.put(words, "count", String(before + 1));
        assert.equal(transaction.get(words, "count"), String(before + 1));
      });
    await Promise.all(Array.from({ length: 100 }, count));
    assert.equal(
      store.read((reader) => reader.get(words, "count")),
      "100",
    );
  });

  it("undoes an update that throws, and only that one", async () => {
    await using store = SqliteStore.open(path);
    const results = await Promise.allSettled([
      store.update((transaction) => transaction.put(words, "a", "kept")),
      store.update((transaction) => {
        transaction.put(words, "a", "lost");
        throw new Error("no");
      }),
      store.update((transaction) => transaction.put(words, "b", "kept")),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal(
      store.read((reader) => reader.get(words, "a")),
      "kept",
    );
  });

  it("lets lists be nested and their objects be changed meanwhile", async () => {
    await using store = SqliteStore.open(path);
    await store.update((transaction) => {
      for (const key of ["a", "b", "c"]) transaction.put(words, key, "");
      for (const [key] of transaction.list(words)) {
        assert.ok(keys(transaction).includes(key));
        transaction.delete(words, key);
      }
      assert.deepEqual(keys(transaction), []);
    });
  });

  it("refuses a file of a newer Slipway, and leaves it as it is", () => {
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 1000");
    database.close();
    assert.throws(
      () => SqliteStore.open(path),
      (error) => hasCode(error, "failed_precondition") && /version 1000/.test((error as Error).message),
    );
  });

  it("fails an update that the disk has no room for, and goes on", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
    try {
      await using store = SqliteStore.open(path);
      await assert.rejects(
        store.update((transaction) => transaction.put(words, "large", "x".repeat(2_000_000))),
        { code: "resource_exhausted" },
      );
      await store.update((transaction) => transaction.put(words, "small", "x"));
      assert.deepEqual(
        store.read((reader) => keys(reader)),
        ["small"],
      );
    } finally {
      execFileSync("umount", [folder]);
    }
  });

  it("keeps its log small, and leaves none behind", async () => {
    {
      await using store = SqliteStore.open(path);
      const value = "x".repeat(1_000);
      for (let round = 0; round < 20; round++) {
        await Promise.all(
          Array.from(
            { length: 1_000 },
            async (_, index) =>
              await store.update((transaction) => transaction.put(words, `${round}/${index}`, value)),
          ),
        );
      }
      assert.ok(statSync(`${path}-wal`).size < 100 * 1024 * 1024);
      assert.ok(statSync(path).size > 1024 * 1024, "nothing was checkpointed");
    }
    assert.ok(!existsSync(`${path}-wal`));
  });

  it("has every acknowledged update after a kill", async () => {
    const writer = `
      import { SqliteStore } from ${JSON.stringify(new URL("./sqlite-store.ts", import.meta.url).href)};
      const words = { name: "words", encode: (value) => Buffer.from(value), decode: String };
      const store = SqliteStore.open(process.argv[1]);
      for (let n = 0; ; n++) {
        void store.update((transaction) => transaction.put(words, String(n), "x")).then(() => console.log(n));
        if (n % 20 === 0) await new Promise(setImmediate);
      }`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", writer, path], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const acknowledged: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      acknowledged.push(line);
      if (acknowledged.length === 2_000) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    assert.equal(child.signalCode, "SIGKILL");
    await using store = SqliteStore.open(path);
    const missing = store.read((reader) =>
      acknowledged.filter((key) => reader.get(words, key) === undefined),
    );
    assert.deepEqual(missing, []);
  });

  it("names a row that cannot be read, whatever its bucket throws", async () => {
    await using store = SqliteStore.open(path);
    await store.update((transaction) => transaction.put(words, "default/app", "x"));
    const damaged = {
      ...words,
      decode: (): string => {
        throw new TypeError("Cannot read properties of undefined");
      },
    };
    for (const read of [
      () => store.read((reader) => reader.get(damaged, "default/app")),
      () => store.read((reader) => [...reader.list(damaged)]),
    ]) {
      assert.throws(read, {
        code: "data_loss",
        message: /^Cannot read row "default\/app" of "words" in the/,
      });
    }
  });

  it("refuses a file that is damaged, another program's or gone, and leaves it as it is", async () => {
    {
      await using store = SqliteStore.open(path);
      await store.update((transaction) => {
        for (let row = 0; row < 500; row++) transaction.put(words, `key ${row}`, "x".repeat(row * 10));
      });
    }
    const whole = readFileSync(path);
    const changed = (at: number, bytes: Uint8Array): Buffer => {
      const copy = Buffer.from(whole);
      copy.set(bytes, at);
      return copy;
    };
    const fromAnother = join(folder, "other.db");
    const other = new DatabaseSync(fromAnother);
    other.exec("CREATE TABLE theirs (value TEXT)");
    other.close();
    const cases: readonly (readonly [file: Buffer, code: FaultCode, why: RegExp])[] = [
      [Buffer.alloc(0), "failed_precondition", /it is missing or empty, but blobs are there/],
      [whole.subarray(0, 4096), "data_loss", /it is damaged/],
      [whole.subarray(0, whole.length - 8192), "data_loss", /it is damaged/],
      [Buffer.alloc(whole.length, 0x5a), "data_loss", /it is damaged \(file is not a database\)/],
      [changed(4096, Buffer.alloc(4096, 0x5a)), "data_loss", /it is damaged/],
      [changed(60, Buffer.of(0, 0, 0, 99)), "failed_precondition", /version 99, and this Slipway knows \d/],
      [readFileSync(fromAnother), "failed_precondition", /it is another program's/],
    ];
    for (const [file, code, why] of cases) {
      writeFileSync(path, file);
      assert.throws(
        () => SqliteStore.open(path, () => "blobs are there"),
        (error) => hasCode(error, code) && why.test(String(error)) && String(error).includes(path),
        String(why),
      );
      assert.deepEqual(readFileSync(path), file);
    }
    rmSync(path);
    mkdirSync(path);
    assert.throws(() => SqliteStore.open(path), /Cannot open store ".*": unable to open database file/);
  });

  it("refuses a log whose header is damaged, and takes one that was never written", async () => {
    await SqliteStore.open(path)[Symbol.asyncDispose]();
    const log = `${path}-wal`;
    writeFileSync(log, Buffer.alloc(8192, 0x5a));
    assert.throws(() => SqliteStore.open(path), /its log ".*-wal" is damaged/);
    writeFileSync(log, Buffer.alloc(8192));
    await SqliteStore.open(path)[Symbol.asyncDispose]();
  });

  it("refuses a log of which one bit of the header is another", async () => {
    const store = SqliteStore.open(path);
    await store.update((transaction) => transaction.put(words, "a", "one"));
    const log = readFileSync(`${path}-wal`);
    const copy = join(folder, "copy.db");
    cpSync(path, copy);
    writeFileSync(`${copy}-wal`, log);
    {
      await using whole = SqliteStore.open(copy);
      assert.equal(
        whole.read((reader) => reader.get(words, "a")),
        "one",
      );
    }
    log[17]! ^= 1;
    writeFileSync(`${copy}-wal`, log);
    assert.throws(() => SqliteStore.open(copy), /is damaged/);
    await store[Symbol.asyncDispose]();
  });

  describe("on a full disk", () => {
    let disk: string;
    beforeEach(() => {
      disk = join(folder, "disk");
      mkdirSync(disk);
      const image = join(folder, "image");
      writeFileSync(image, "");
      truncateSync(image, 64 * 1024 * 1024);
      execFileSync("mkfs.ext4", ["-q", "-m", "0", "-N", "256", image]);
      execFileSync("mount", ["-o", "loop", image, disk]);
      path = join(disk, "slipway.db");
    });
    afterEach(() => execFileSync("umount", ["-l", disk]));

    /** Leaves neither space nor inodes. */
    const fill = (): void => {
      for (const blockBytes of [1024 * 1024, 4096, 1]) {
        const fd = openSync(join(disk, `filler ${blockBytes}`), "a");
        try {
          for (const block = Buffer.alloc(blockBytes); ;) writeSync(fd, block);
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
        } finally {
          closeSync(fd);
        }
      }
      try {
        for (let file = 0; ; file++) closeSync(openSync(join(disk, `file ${file}`), "a"));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
      }
    };
    const free = (): void => {
      for (const name of readdirSync(disk)) if (name.startsWith("fil")) rmSync(join(disk, name));
    };
    const rows = 400;
    const filled = async (): Promise<SqliteStore> => {
      const store = SqliteStore.open(path);
      await store.update((transaction) => {
        for (let row = 0; row < rows; row++) transaction.put(words, `key ${row}`, "x".repeat(2_000));
      });
      return store;
    };

    it("removes and changes, refuses to add, and adds again when there is room", async () => {
      await using store = await filled();
      fill();
      const add = (): Promise<void> => store.update((transaction) => transaction.put(words, "more", "x"));
      // Until the log is at its end.
      await assert.rejects(
        async () => {
          for (let row = 0; ; row++) {
            await store.update((transaction) => transaction.put(others, String(row), "y".repeat(10_000)));
          }
        },
        { code: "resource_exhausted", message: /the file system of ".*disk" is full; only removals/ },
      );
      for (let row = 0; row < rows; row += 2) {
        await store.update((transaction) => transaction.delete(words, `key ${row}`));
        await store.update((transaction) => transaction.put(words, `key ${row + 1}`, "changed"));
      }
      assert.deepEqual(
        new Set(store.read((reader) => [...reader.list(words)]).map(([, value]) => value)),
        new Set(["changed"]),
      );
      free();
      await add();
      assert.ok(statSync(join(disk, "reserve/0")).size > 0);
    });

    it("opens, after the disk became full while no daemon ran", async () => {
      await (await filled())[Symbol.asyncDispose]();
      fill();
      {
        await using store = SqliteStore.open(path);
        for (let row = 0; row < rows; row++) {
          await store.update((transaction) => transaction.delete(words, `key ${row}`));
        }
      }
      await using store = SqliteStore.open(path);
      assert.deepEqual(store.read(keys), []);
    });
  });
});
