import assert from "node:assert/strict";
import { once } from "node:events";
import { createWriteStream, existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  CloseIORequestSchema,
  CreateTaskRequestSchema,
  DeleteRequestSchema,
  StartRequestSchema,
  WaitRequestSchema,
} from "@slipway/api/containerd/task/v3/task_pb";
import { defaultLimits, formatLogUri } from "@slipway/logs/log-uri";
import { readLog } from "@slipway/logs/read-log";
import { Metadata } from "@slipway/rpc/metadata";
import { Bundles, testShim } from "../testing/bundles.ts";

const bundles = new Bundles();
const { tasks } = testShim(bundles.root);
const context = { path: "", metadata: new Metadata(), signal: new AbortController().signal };
after(() => bundles[Symbol.dispose]());

const logTo = (id: string): { folder: string; file: string; attach: string; uri: string } => {
  const folder = join(bundles.root, `log-${id}`);
  const [file, attach] = [join(folder, "x.log"), join(folder, "attach")];
  return { folder, file, attach, uri: formatLogUri({ ...defaultLimits, file, attach }) };
};

async function run(id: string): Promise<number> {
  await tasks.start(create(StartRequestSchema, { id }), context);
  const { exitStatus } = await tasks.wait(create(WaitRequestSchema, { id }), context);
  await tasks.delete(create(DeleteRequestSchema, { id }), context);
  return exitStatus ?? 0;
}

async function logged(file: string): Promise<string[]> {
  const entries = await Array.fromAsync(readLog(file, { tail: Infinity }));
  return entries.map(({ stream, log }) => `${stream} ${log}`);
}

describe("a json-file:// URI", () => {
  it("has output and errors written to a log, up to their end", async () => {
    const { id, bundle } = bundles.bundle(["sh", "-c", "echo out; echo err >&2; printf rest; exit 7"]);
    const { folder, file, uri } = logTo(id);
    await tasks.create(create(CreateTaskRequestSchema, { id, bundle, stdout: uri, stderr: uri }), context);
    assert.equal(await run(id), 7);
    assert.deepEqual((await logged(file)).toSorted(), ["stderr err\n", "stdout out\n", "stdout rest\n"]);
    assert.deepEqual(readdirSync(folder), ["x.log"]);
  });

  it("shows output to who is attached, stream by stream, and each client all of it", async () => {
    const { id, bundle } = bundles.bundle(["sh", "-c", "cat; echo err >&2"]);
    const { file, attach, uri } = logTo(id);
    const stdin = bundles.fifo("in");
    await tasks.create(
      create(CreateTaskRequestSchema, { id, bundle, stdin, stdout: uri, stderr: uri }),
      context,
    );
    const clients = [connect(attach), connect(attach)];
    await Promise.all(clients.map((client) => once(client, "connect")));
    const seen = clients.map((client) => buffer(client));
    const large = "x".repeat(300_000);
    const input = createWriteStream(stdin);
    await once(input, "open");
    await tasks.closeIO(create(CloseIORequestSchema, { id, stdin: true }), context);
    input.end(large);
    assert.equal(await run(id), 0);
    for (const bytes of await Promise.all(seen)) {
      assert.deepEqual(demultiplexed(bytes), { 1: large, 2: "err\n" });
    }
    const lines = await logged(file);
    assert.equal(lines.length, Math.ceil(300_000 / 16_384) + 1);
    assert.ok(!existsSync(attach));
  });

  it("has a terminal's output written and shown", async () => {
    const { id, bundle } = bundles.bundle(["sh", "-c", "echo one; printf two"], { terminal: true });
    const { file, attach, uri } = logTo(id);
    await tasks.create(create(CreateTaskRequestSchema, { id, bundle, stdout: uri, terminal: true }), context);
    const client = connect(attach);
    await once(client, "connect");
    const seen = buffer(client);
    assert.equal(await run(id), 0);
    assert.deepEqual(demultiplexed(await seen), { 1: "one\r\ntwo" });
    assert.deepEqual(await logged(file), ["stdout one\r\n", "stdout two\n"]);
  });
});

function demultiplexed(bytes: Buffer): Record<number, string> {
  const streams: Record<number, string> = {};
  for (let at = 0; at < bytes.length;) {
    const [stream = 0, length] = [bytes[at], bytes.readUInt32BE(at + 4)];
    streams[stream] = (streams[stream] ?? "") + bytes.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return streams;
}
