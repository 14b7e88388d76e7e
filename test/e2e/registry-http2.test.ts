import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { parseReference } from "@slipway/oci/reference";
import { type RegistryOptions, Repository } from "@slipway/registry/registry";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { TestFolder } from "../support/folder.ts";
import { type FrontOptions, Http2Front } from "../support/http2-front.ts";
import { TestRegistry } from "../support/registry.ts";

const small = Buffer.from("a small blob");
const big = randomFillSync(Buffer.alloc(3_000_000));
const describeBlob = (bytes: Buffer) =>
  ({ mediaType: mediaTypes.ociLayer, digest: digestOf(bytes), size: bytes.length }) as const;
const [smallBlob, bigBlob] = [describeBlob(small), describeBlob(big)];
const reader = (bytes: Buffer) =>
  async function* (offset: number, length: number): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(offset, offset + length);
  };

describe("Repository, with a registry that speaks HTTP/2", () => {
  const folder = new TestFolder("http2");
  let certificates: Certificates;
  let registry: TestRegistry;

  before(async () => {
    certificates = await makeCertificates(folder.path);
    registry = await TestRegistry.start();
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const front = async (options: Partial<FrontOptions> = {}): Promise<Http2Front> =>
    await Http2Front.start(registry.host, { certificates, ...options });

  /** Trusts the test's authority by a hosts.toml, and has a certificate of it if told. */
  function repositoryAt(host: string, { own = false, ...options }: RegistryOptions & { own?: boolean } = {}) {
    const root = folder.join(`certs-${own}`);
    const { ca, cert, key } = certificates;
    mkdirSync(`${root}/${host}`, { recursive: true });
    const client = own ? `client = [["${cert}", "${key}"]]\n` : "";
    writeFileSync(`${root}/${host}/hosts.toml`, `server = "https://${host}"\nca = "${ca}"\n${client}`);
    const credentials = { origin: "nowhere", find: async () => undefined };
    return new Repository(parseReference(`${host}/team/app`), {
      credentials,
      hostsDirectories: [root],
      ...options,
    });
  }

  const roundTrip = async (repository: Repository): Promise<void> => {
    for (const [blob, bytes] of [
      [smallBlob, small],
      [bigBlob, big],
    ] as const) {
      await repository.pushBlob(blob, reader(bytes));
      assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(repository.fetch(blob)))));
    }
  };

  it("has one session for many calls, and connections of their own for many bytes", async () => {
    await using server = await front();
    const repository = repositoryAt(server.host);
    await roundTrip(repository);
    await Promise.all(Array.from({ length: 50 }, () => repository.exists(smallBlob)));
    assert.equal(server.sessions.size, 1);
    assert.ok((server.versions["2.0"] ?? 0) > 50);
    const bulk = server.requests.filter((line) => line.startsWith("1.1"));
    assert.ok(bulk.some((line) => line.endsWith(bigBlob.digest)));
    assert.ok(!bulk.some((line) => line.includes("GET") && line.endsWith(smallBlob.digest)));
  });

  it("falls back to HTTP/1.1, on the connection that was made to ask", async () => {
    await using server = await front({ speaks: "1.1" });
    const repository = repositoryAt(server.host);
    await repository.exists(smallBlob);
    await repository.exists(smallBlob);
    assert.deepEqual([server.connections, server.versions], [1, { "1.1": 2 }]);
    await roundTrip(repository);
  });

  it("does all over the session with one that speaks nothing else", async () => {
    await using server = await front({ speaks: "2" });
    await roundTrip(repositoryAt(server.host));
    assert.deepEqual(Object.keys(server.versions), ["2.0"]);
  });

  it("shows its certificate, and hears when it has none that is wanted", async () => {
    await using server = await front({ asksForCertificate: true });
    await roundTrip(repositoryAt(server.host, { own: true }));
    assert.ok(server.versions["2.0"]);
    await assert.rejects(repositoryAt(server.host).exists(smallBlob), /Cannot reach https:/);
  });

  it("refuses one that nobody vouches for", async () => {
    await using server = await front();
    const strict = new Repository(parseReference(`${server.host}/team/app`), { defaultScheme: "https" });
    await assert.rejects(strict.resolve("latest"), /certificate/);
    assert.deepEqual(server.requests, []);
  });

  it("goes through the environment's proxy", async () => {
    await using server = await front();
    const tunnels: string[] = [];
    const proxy = createServer().listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const sockets = new Set<Duplex>();
    proxy.on("connect", ({ url = "" }, socket: Duplex) => {
      tunnels.push(url);
      const [, port] = server.host.split(":");
      const onward = connect(Number(port), "127.0.0.1");
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.on("error", () => {}).pipe(socket);
      socket.on("error", () => {}).pipe(onward);
      sockets.add(socket).add(onward);
    });
    process.env["HTTPS_PROXY"] = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
    try {
      const host = `registry.invalid:${server.host.split(":")[1]}`;
      const root = folder.join("certs-proxied");
      mkdirSync(`${root}/${host}`, { recursive: true });
      writeFileSync(`${root}/${host}/hosts.toml`, `server = "https://${host}"\nskip_verify = true\n`);
      const credentials = { origin: "nowhere", find: async () => undefined };
      const options = { credentials, hostsDirectories: [root] };
      const repository = new Repository(parseReference(`${host}/team/app`), options);
      await Promise.all([1, 2, 3].map(() => repository.exists(smallBlob)));
      assert.deepEqual([tunnels, server.versions], [[host], { "2.0": 3 }]);
      await roundTrip(repository);
    } finally {
      delete process.env["HTTPS_PROXY"];
      for (const socket of sockets) socket.destroy();
      proxy.close();
    }
  });

  const faults: Record<string, NonNullable<FrontOptions["interfere"]>> = {
    "ends the session": ({ stream }) => stream.session?.destroy() === undefined,
    "says that it goes away": ({ stream }, response) => {
      stream.session?.goaway();
      response.stream.close(7);
      return true;
    },
    "resets a stream": (_, response) => response.stream.close(2) === undefined,
    "breaks off in the middle": (_, response) => {
      response.writeHead(200, { "content-length": small.length });
      response.write(small.subarray(0, 5), () => response.stream.close(2));
      return true;
    },
    "says nothing": () => true,
    "says 503": (_, response) => response.writeHead(503).end() !== undefined,
    "says 429 and when to come back": (_, response) =>
      response.writeHead(429, { "retry-after": "0" }).end() !== undefined,
  };
  for (const [name, fault] of Object.entries(faults)) {
    it(`fetches the whole blob from one that once ${name}`, async () => {
      await new Repository(parseReference(`${registry.host}/team/app`)).pushBlob(smallBlob, reader(small));
      await using server = await front({
        interfere: (request, response, number) => number === 1 && fault(request, response, number),
      });
      const repository = repositoryAt(server.host, { stallTimeoutMs: 200 });
      assert.ok(small.equals(Buffer.concat(await Array.fromAsync(repository.fetch(smallBlob)))));
      assert.equal(server.versions["2.0"], server.requests.length);
    });
  }

  it("leaves one call without the others", async () => {
    await using server = await front({ interfere: ({ url }) => url.endsWith("/never") });
    const repository = repositoryAt(server.host);
    const leave = new AbortController();
    const left = repository.resolve("never", leave.signal);
    await repository.exists(smallBlob);
    leave.abort();
    await assert.rejects(left, { name: "AbortError" });
    await repository.exists(smallBlob);
    assert.equal(server.sessions.size, 1);
  });
});
