import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { describe, it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { parseReference } from "@slipway/oci/reference";
import { Repository } from "@slipway/registry/registry";
import { type Interference, SlowRegistry } from "../support/slow-registry.ts";

const mebibyte = 1024 * 1024;
const bytes = randomFillSync(Buffer.alloc(12 * mebibyte));
const blob = { mediaType: mediaTypes.ociLayer, digest: digestOf(bytes), size: bytes.length };
const bytesPerSecond = 3 * mebibyte;

function repositoryAt({ host }: SlowRegistry): Repository {
  const credentials = { origin: "nowhere", find: async () => undefined };
  return new Repository(parseReference(`${host}/team/app`), { credentials, stallTimeoutMs: 500 });
}

async function fetchFrom(registry: SlowRegistry, offset = 0): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(repositoryAt(registry).fetch(blob, { offset })));
}

describe("Repository.fetch, of a big blob over slow connections", () => {
  it("uses several at once, and gives the bytes in order", async () => {
    await using registry = await SlowRegistry.start(bytes, { bytesPerSecond });
    assert.ok(bytes.equals(await fetchFrom(registry)));
    assert.ok(registry.mostAtOnce > 1, `${registry.mostAtOnce} at once`);
    assert.equal(registry.ranges[0], undefined);
    assert.match(registry.ranges[1] ?? "", /^bytes=\d+-\d+$/);
  });

  it("does so from the middle, too", async () => {
    await using registry = await SlowRegistry.start(bytes, { bytesPerSecond });
    assert.ok(bytes.subarray(mebibyte).equals(await fetchFrom(registry, mebibyte)));
    assert.ok(registry.mostAtOnce > 1, `${registry.mostAtOnce} at once`);
  });

  it("keeps to one that the reader cannot keep up with", async () => {
    await using registry = await SlowRegistry.start(bytes, { bytesPerSecond: 20 * mebibyte });
    const parts: Uint8Array[] = [];
    const busy = new Int32Array(new SharedArrayBuffer(4));
    for await (const part of repositoryAt(registry).fetch(blob)) {
      parts.push(part);
      Atomics.wait(busy, 0, 0, part.length / 10_000);
    }
    assert.ok(bytes.equals(Buffer.concat(parts)));
    assert.deepEqual(registry.ranges, [undefined]);
  });

  it("ends them all when the reader leaves", async () => {
    await using registry = await SlowRegistry.start(bytes, { bytesPerSecond });
    let received = 0;
    for await (const part of repositoryAt(registry).fetch(blob)) {
      received += part.length;
      if (registry.mostAtOnce > 1) break;
    }
    assert.ok(received < bytes.length);
    for (const socket of registry.connections) {
      if (!socket.destroyed) await new Promise((closed) => socket.once("close", closed));
    }
  });

  const whole: Interference = (_, response) => {
    response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    return true;
  };
  const later =
    (interfere: Interference): Interference =>
    (request, response, number) =>
      number > 0 && interfere(request, response, number);
  const partly: Interference = (request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (from === undefined) return false;
    const [start, end] = [Number(from), Number(to) + 1];
    response.writeHead(206, { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` });
    response.end(bytes.subarray(start, start + Math.floor((end - start) / 2)));
    return true;
  };
  const faults: Record<string, Interference> = {
    "resets every further connection": later(({ socket }) => socket.destroy() === socket),
    "resets every other one": later(({ socket }, _, number) => number % 2 === 0 && !!socket.destroy()),
    "ignores ranges": whole,
    "ignores ranges of further connections": later(whole),
    "ends further answers in their middle, as if they were whole": later(partly),
    "refuses more than one connection": later((request, response) => {
      const isBounded = /-\d+$/.test(request.headers.range ?? "");
      if (isBounded) response.writeHead(429).end();
      return isBounded;
    }),
    "says nothing on further connections": later((request) => /-\d+$/.test(request.headers.range ?? "")),
    "answers with bytes from elsewhere": later((_, response) => {
      response.writeHead(206, { "content-range": `bytes 0-9/${bytes.length}` }).end(bytes.subarray(0, 10));
      return true;
    }),
  };
  for (const [name, interfere] of Object.entries(faults)) {
    it(`gives the right bytes from a registry that ${name}`, async () => {
      await using registry = await SlowRegistry.start(bytes, { bytesPerSecond, interfere });
      assert.ok(bytes.equals(await fetchFrom(registry)));
    });
  }

  it("finds out that one of them brought other bytes", async () => {
    const interfere = later((request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      if (from === undefined) return false;
      response.writeHead(206, { "content-range": `bytes ${from}-${to}/${bytes.length}` });
      response.end(Buffer.alloc(Number(to) + 1 - Number(from)));
      return true;
    });
    await using registry = await SlowRegistry.start(bytes, { bytesPerSecond, interfere });
    let received = 0;
    await assert.rejects(
      async () => {
        for await (const part of repositoryAt(registry).fetch(blob)) received += part.length;
      },
      (error) => hasCode(error, "data_loss"),
    );
    assert.ok(received < bytes.length);
  });
});
