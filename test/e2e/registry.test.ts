import assert from "node:assert/strict";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { parseReference } from "@slipway/oci/reference";
import { Repository } from "@slipway/registry/registry";
import { TestRegistry } from "../support/registry.ts";

const blob = Buffer.alloc(3_000_000, "slipway ");
const layer = { mediaType: mediaTypes.ociLayer, digest: digestOf(blob), size: blob.length };

describe("Repository, with docker-registry", () => {
  let registry: TestRegistry;
  let repository: Repository;

  before(async () => {
    registry = await TestRegistry.start();
    repository = new Repository(parseReference(`${registry.host}/team/app`));
  });
  after(() => registry[Symbol.asyncDispose]());

  async function* chunks(offset: number, length: number): AsyncGenerator<Uint8Array> {
    const end = offset + length;
    for (let at = offset; at < end; at += 65_536) yield blob.subarray(at, Math.min(at + 65_536, end));
  }

  it("pushes a blob once, and gives it back, also from the middle", async () => {
    assert.equal(await repository.pushBlob(layer, chunks), "pushed");
    assert.equal(await repository.pushBlob(layer, chunks), "existed");
    assert.ok(blob.equals(Buffer.concat(await Array.fromAsync(repository.fetch(layer)))));
    const rest = Buffer.concat(await Array.fromAsync(repository.fetch(layer, { offset: 2_999_990 })));
    assert.ok(blob.subarray(2_999_990).equals(rest));
  });

  it("stores a manifest under a tag and resolves it", async () => {
    const body = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: layer, layers: [] }),
    );
    const target = { mediaType: mediaTypes.ociManifest, digest: digestOf(body), size: body.length };
    await repository.pushManifest(target, body, "v1");
    assert.deepEqual(await repository.resolve("v1"), target);
    assert.deepEqual(await repository.resolve(target.digest), target);
  });

  it("lists what refers to a manifest by a tag, as the registry does not by itself", async () => {
    const store = async (manifest: object): Promise<Descriptor> => {
      const body = Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, ...manifest }),
      );
      const target = { mediaType: mediaTypes.ociManifest, digest: digestOf(body), size: body.length };
      await repository.pushManifest(target, body);
      return target;
    };
    const image = { config: layer, layers: [] };
    const subject = await store({ ...image, annotations: { a: "subject" } });
    assert.deepEqual(await repository.referrers(subject.digest), []);
    const signature = { ...image, subject, artifactType: "application/vnd.example.signature" };
    const first = await store({ ...signature, annotations: { by: "bob" } });
    const second = await store({ ...image, subject });
    await store({ ...image, subject });
    assert.deepEqual(await repository.referrers(subject.digest), [
      { ...first, artifactType: "application/vnd.example.signature", annotations: { by: "bob" } },
      { ...second, artifactType: layer.mediaType },
    ]);
    const signatures = await repository.referrers(subject.digest, "application/vnd.example.signature");
    assert.equal(signatures.length, 1);
  });

  it("says not_found for what is not there", async () => {
    await assert.rejects(repository.resolve("v2"), (error) => hasCode(error, "not_found"));
    assert.equal(await repository.exists({ ...layer, digest: digestOf("else") }), false);
  });

  it("resumes a blob where its connection broke", async () => {
    await using broken = await breakingProxy(registry.host, 1_000_000);
    const through = new Repository(parseReference(`${broken.host}/team/app`));
    assert.ok(blob.equals(Buffer.concat(await Array.fromAsync(through.fetch(layer)))));
    assert.deepEqual(broken.ranges, [undefined, "bytes=1000000-", "bytes=2000000-"]);
  });

  it("refuses bytes that are not what the descriptor says", async () => {
    await using lying = await breakingProxy(registry.host, Infinity, (bytes) => bytes.fill(0, 0, 1));
    const through = new Repository(parseReference(`${lying.host}/team/app`));
    await assert.rejects(Array.fromAsync(through.fetch(layer)), (error) => hasCode(error, "data_loss"));
  });
});

interface Proxy extends AsyncDisposable {
  readonly host: string;
  /** What was asked for of blobs. */
  readonly ranges: (string | undefined)[];
}

/** Stands before a registry, ends each answer after `bytes`, and lets a test change them. */
async function breakingProxy(
  host: string,
  bytes: number,
  change: (chunk: Buffer) => void = () => {},
): Promise<Proxy> {
  const ranges: (string | undefined)[] = [];
  const forward = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    ranges.push(incoming.headers.range);
    const { method, url, headers } = incoming;
    const outgoing = request(`http://${host}${url}`, { method, headers });
    outgoing.end();
    const [from] = (await once(outgoing, "response")) as [IncomingMessage];
    answer.writeHead(from.statusCode ?? 500, from.headers);
    let left = bytes;
    for await (const chunk of from as AsyncIterable<Buffer>) {
      change(chunk);
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      left -= part.length;
      await new Promise((written) => answer.write(part, written));
      if (left === 0) {
        answer.destroy();
        return;
      }
    }
    answer.end();
  };
  const server = createServer((incoming, answer) => void forward(incoming, answer));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    host: `127.0.0.1:${port}`,
    ranges,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
