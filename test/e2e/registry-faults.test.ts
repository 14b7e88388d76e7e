import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { after, afterEach, describe, it, mock } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { parseReference } from "@slipway/oci/reference";
import { BandwidthLimit } from "@slipway/registry/bandwidth";
import { type RegistryOptions, Repository } from "@slipway/registry/registry";
import { TestFolder } from "../support/folder.ts";

const bytes = Buffer.alloc(300_000, "slipway ");
const blob = { mediaType: mediaTypes.ociLayer, digest: digestOf(bytes), size: bytes.length };
const anonymous = { credentials: { origin: "nowhere", find: async () => undefined } };
type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Answers the n-th request with the n-th function, and all that follow with the last. */
class Server implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  readonly #server;
  host = "";

  private constructor(answers: readonly Answer[]) {
    this.#server = createServer((request, response) => {
      this.requests.push(request);
      request.resume();
      const answer = answers[Math.min(this.requests.length, answers.length) - 1];
      answer?.(request, response);
    });
  }

  static async start(...answers: readonly Answer[]): Promise<Server> {
    const server = new Server(answers);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    server.host = `127.0.0.1:${(server.#server.address() as { port: number }).port}`;
    return server;
  }

  repository(options: RegistryOptions = {}): Repository {
    return new Repository(parseReference(`${this.host}/team/app`), { ...anonymous, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const good: Answer = ({ headers }, response) => {
  const from = Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
  const range = { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(from > 0 ? 206 : 200, from > 0 ? range : {}).end(bytes.subarray(from));
};
const status =
  (code: number, headers = {}, body = ""): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end(body);
const fetchAll = async (repository: Repository): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(repository.fetch(blob)));

describe("Repository, with a registry that fails", () => {
  const cases: Record<string, Answer> = {
    "closes the connection": (request) => request.socket.destroy(),
    "closes it in the middle of the body": (_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 100_000), () => response.destroy());
    },
    "sends a body that is too short, and says that it is whole": (_, response) =>
      response.writeHead(200, { "content-length": 1000 }).end(bytes.subarray(0, 1000)),
    "says nothing": () => {},
    "falls silent in the middle of the body": (_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 100_000));
    },
    "says 500": status(500),
    "says 429 and when to come back": status(429, { "retry-after": "0" }),
    "redirects to another path": status(307, { location: "/elsewhere" }),
  };
  for (const [name, answer] of Object.entries(cases)) {
    it(`fetches the whole blob from one that once ${name}`, async () => {
      await using server = await Server.start(answer, good);
      const repository = server.repository({ defaultScheme: "http", stallTimeoutMs: 100 });
      assert.ok(bytes.equals(await fetchAll(repository)));
    });
  }

  it("skips what it has of a server that does not know ranges", async () => {
    const whole: Answer = (_, response) => response.writeHead(200).end(bytes);
    await using server = await Server.start(cases["closes it in the middle of the body"] ?? good, whole);
    assert.ok(bytes.equals(await fetchAll(server.repository({ defaultScheme: "http" }))));
  });

  for (const [name, body] of Object.entries({
    corrupt: Buffer.alloc(bytes.length),
    longer: Buffer.concat([bytes, bytes]),
  })) {
    it(`gives out no complete blob when the bytes are ${name}`, async () => {
      await using server = await Server.start((_, response) => response.end(body));
      let received = 0;
      await assert.rejects(
        async () => {
          for await (const chunk of server.repository({ defaultScheme: "http" }).fetch(blob)) {
            received += chunk.length;
          }
        },
        (error) => hasCode(error, "data_loss"),
      );
      assert.ok(received < blob.size);
    });
  }

  it("does not wait for one that asks for an hour", async () => {
    await using server = await Server.start(status(429, { "retry-after": "3600" }));
    const repository = server.repository({ defaultScheme: "http" });
    await assert.rejects(fetchAll(repository), /429 Too Many Requests, try again after 3600 s/);
    assert.equal(server.requests.length, 1);
  });

  it("waits as long as it was asked to", async () => {
    let refusedMs = 0;
    const refuse: Answer = (_, response) => {
      refusedMs = performance.now();
      response.writeHead(429, { "retry-after": "1" }).end();
    };
    let waitedMs = 0;
    const then: Answer = (request, response) => {
      waitedMs = performance.now() - refusedMs;
      return good(request, response);
    };
    await using server = await Server.start(refuse, then);
    assert.ok(bytes.equals(await fetchAll(server.repository({ defaultScheme: "http" }))));
    assert.ok(waitedMs >= 990, `${waitedMs} ms`);
  });

  it("does not follow redirects for ever", async () => {
    const around: Answer = ({ url }, response) => response.writeHead(307, { location: `${url}/` }).end();
    await using server = await Server.start(around);
    await assert.rejects(server.repository({ defaultScheme: "http" }).exists(blob), /redirects too often/);
    assert.equal(server.requests.length, 11);
  });

  it("finds a manifest that is not what was asked for", async () => {
    const other = Buffer.from('{"schemaVersion":2}');
    await using server = await Server.start(({ method }, response) => {
      if (method === "HEAD") response.writeHead(200).end();
      else response.writeHead(200, { "content-type": mediaTypes.ociManifest }).end(other);
    });
    const repository = server.repository({ defaultScheme: "http" });
    const isLoss = (error: unknown): boolean => hasCode(error, "data_loss");
    await assert.rejects(repository.resolve(blob.digest), isLoss);
    const manifest = { mediaType: mediaTypes.ociManifest, digest: digestOf("another"), size: other.length };
    await assert.rejects(Array.fromAsync(repository.fetch(manifest)), isLoss);
  });

  it("finds among the blobs a manifest that is asked for by its digest", async () => {
    const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, config: blob, layers: [blob] }));
    const stored: Record<string, Buffer> = { [digestOf(manifest)]: manifest, [blob.digest]: bytes };
    await using server = await Server.start(({ url = "", method }, response) => {
      const found = /\/blobs\/(.*)$/.exec(url)?.[1];
      const body = found === undefined ? undefined : stored[found];
      if (!body) return response.writeHead(404).end();
      const headers = { "content-type": "application/octet-stream", "content-length": body.length };
      return response.writeHead(200, headers).end(method === "HEAD" ? undefined : body);
    });
    const repository = server.repository({ defaultScheme: "http" });
    const target = await repository.resolve(digestOf(manifest));
    assert.deepEqual(target, {
      mediaType: mediaTypes.ociManifest,
      digest: digestOf(manifest),
      size: manifest.length,
    });
    assert.ok(manifest.equals(Buffer.concat(await Array.fromAsync(repository.fetch(target)))));
    // A layer is no image, and a tag is no digest.
    await assert.rejects(repository.resolve(blob.digest), {
      code: "failed_precondition",
      message: /^Cannot read the manifest of .*\/blobs\/.*: it is not JSON/,
    });
    const requests = server.requests.length;
    await assert.rejects(repository.resolve("latest"), { code: "not_found" });
    assert.equal(server.requests.length, requests + 1);
    await assert.rejects(repository.resolve(digestOf("another")), { code: "not_found" });
  });

  it("names the address of bytes that are not what they should be", async () => {
    for (const [body, received] of [
      [Buffer.alloc(bytes.length), digestOf(Buffer.alloc(bytes.length))],
      [bytes.subarray(0, 10), `only 10 of ${bytes.length} bytes`],
    ] as const) {
      // Ranges are answered with nothing more.
      const short: Answer = ({ headers: { range } }, response) => response.end(range ? undefined : body);
      await using server = await Server.start(short);
      const from = `GET http://${server.host}/v2/team/app/blobs/${blob.digest}`;
      await assert.rejects(fetchAll(server.repository({ defaultScheme: "http", retryDelayMs: 1 })), {
        code: "data_loss",
        message: `Cannot verify blob ${blob.digest}: ${from} answered with ${received}`,
      });
    }
  });

  it("asks the next host when one answers with a page", async () => {
    const page: Answer = (_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Log in</title>");
    await using mirror = await Server.start(page);
    await using server = await Server.start(good);
    using folder = new TestFolder("page");
    mkdirSync(folder.join("registry.example"));
    const lines = [`server = "http://${server.host}"`, `[host."http://${mirror.host}"]`];
    writeFileSync(folder.join("registry.example/hosts.toml"), lines.join("\n"));
    const options = { ...anonymous, hostsDirectories: [folder.path] };
    const repository = new Repository(parseReference("registry.example/team/app"), options);
    assert.ok(bytes.equals(await fetchAll(repository)));
    const manifest = { ...blob, mediaType: mediaTypes.ociManifest };
    assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(repository.fetch(manifest)))));
    assert.equal(mirror.requests.length, 2);
    const foreign = { ...blob, urls: [`http://${mirror.host}/layer`] };
    assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(repository.fetch(foreign)))));
  });

  it("fetches a layer from the addresses that its descriptor names, without anybody's login", async () => {
    await using gone = await Server.start(status(404));
    await using maker = await Server.start(good);
    await using server = await Server.start(status(404));
    const credentials = {
      origin: "here",
      find: async () => ({ origin: "here", kind: "password", username: "u", password: "p" }) as const,
    };
    const repository = server.repository({
      defaultScheme: "http",
      credentials,
      headers: { "x-secret": "s" },
    });
    const address = (host: string): string => `http://${host}/layer?sig='a'`;
    const urls = ["ftp://a.example/layer", "not an address", address(gone.host), address(maker.host)];
    const foreign = { ...blob, urls };
    assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(repository.fetch(foreign)))));
    assert.equal(server.requests.length, 0);
    assert.deepEqual(
      maker.requests.map(({ url, headers }) => [url, headers.authorization, headers["x-secret"]]),
      [["/layer?sig='a'", undefined, undefined]],
    );
    await using other = await Server.start((_, response) => response.end(Buffer.alloc(bytes.length)));
    const wrong = { ...blob, urls: [address(other.host)] };
    await assert.rejects(Array.fromAsync(repository.fetch(wrong)), { code: "data_loss" });
  });

  it("asks the registry for a layer whose own addresses do not answer", async () => {
    await using asks = await Server.start(status(401, { "www-authenticate": 'Basic realm="x"' }));
    await using server = await Server.start(good);
    const repository = server.repository({ defaultScheme: "http", retryDelayMs: 1 });
    const foreign = { ...blob, urls: ["http://127.0.0.1:1/layer", `http://${asks.host}/layer`] };
    assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(repository.fetch(foreign)))));
  });

  it("makes one attempt with a host that cannot be reached again and again, until it answers", async () => {
    const away: Answer = ({ socket }) => socket.destroy();
    let answer = away;
    await using server = await Server.start((request, response) => answer(request, response));
    const repository = server.repository({ defaultScheme: "http", retryDelayMs: 1 });
    const unreachable = new RegExp(
      `Cannot reach http://${server.host}/v2/team/app/manifests/v1: the connection was closed`,
    );
    for (const attempts of [5, 10, 11, 12]) {
      await assert.rejects(repository.resolve("v1"), unreachable);
      assert.equal(server.requests.length, attempts);
    }
    // One tries, and those who ask meanwhile hear what the last one found.
    const all = await Promise.allSettled([repository.resolve("v1"), repository.resolve("v1")]);
    assert.ok(all.every(({ status }) => status === "rejected"));
    assert.equal(server.requests.length, 13);
    answer = good;
    assert.ok(bytes.equals(await fetchAll(repository)));
    answer = away;
    await assert.rejects(repository.resolve("v1"), unreachable);
    assert.equal(server.requests.length, 19);
  });

  it("goes on asking a host that answers, whatever it answers for other paths", async () => {
    await using server = await Server.start((request, response) =>
      request.url?.includes("/blobs/") ? good(request, response) : response.writeHead(500).end(),
    );
    const repository = server.repository({ defaultScheme: "http", retryDelayMs: 1 });
    for (let call = 0; call < 4; call += 1) {
      await assert.rejects(repository.resolve("v1"), /manifests\/v1 answered 500 Internal Server Error$/);
    }
    assert.ok(bytes.equals(await fetchAll(repository)));
  });

  it("shows the registry's errors and warnings", async () => {
    const body = JSON.stringify({ errors: [{ code: "DENIED", message: "quota exceeded" }] });
    await using server = await Server.start(status(403, { warning: '299 - "going away"' }, body));
    const warnings: string[] = [];
    const onWarning = (text: string): unknown => warnings.push(text);
    const repository = server.repository({ defaultScheme: "http", onWarning });
    for (let call = 0; call < 2; call += 1) {
      await assert.rejects(fetchAll(repository), /403 Forbidden: DENIED: quota exceeded/);
    }
    assert.deepEqual(warnings, ["going away"]);
  });

  it("keeps credentials and configured headers from another host", async () => {
    await using other = await Server.start(good);
    await using server = await Server.start(status(307, { location: `http://${other.host}/blob` }));
    const headers = { "x-secret": "1" };
    const credentials = {
      origin: "the test",
      find: async () => ({ kind: "header" as const, value: "Bearer 1", origin: "the test" }),
    };
    await using asking = await Server.start(
      status(401, { "www-authenticate": "Basic" }),
      status(307, { location: `http://${other.host}/blob` }),
    );
    for (const from of [server, asking]) {
      await fetchAll(from.repository({ defaultScheme: "http", headers, credentials }));
    }
    assert.equal(asking.requests[1]?.headers["authorization"], "Bearer 1");
    assert.equal(asking.requests[1]?.headers["x-secret"], "1");
    for (const { headers: seen } of other.requests) {
      assert.deepEqual([seen["authorization"], seen["x-secret"]], [undefined, undefined]);
    }
  });

  it("divides an upload that is too large for one request, and continues one that broke", async () => {
    const parts: string[] = [];
    let stored = 0;
    await using server = await Server.start(({ method, headers, socket }, response) => {
      const location = { location: "/v2/team/app/blobs/uploads/1" };
      if (method === "HEAD") response.writeHead(404).end();
      else if (method === "POST") response.writeHead(202, location).end();
      else if (method === "GET") {
        response.writeHead(204, { ...location, range: `0-${stored - 1}` }).end();
      } else if (method === "PATCH") {
        parts.push(headers["content-range"] ?? "");
        stored += Number(headers["content-length"]);
        if (parts.length === 2) socket.destroy();
        else response.writeHead(202, location).end();
      } else response.writeHead(201).end();
    });
    async function* read(offset: number, length: number): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(offset, offset + length);
    }
    const repository = server.repository({ defaultScheme: "http" });
    assert.equal(await repository.pushBlob(blob, read, { chunkBytes: 100_000 }), "pushed");
    assert.deepEqual(parts, ["0-99999", "100000-199999", "200000-299999"]);
  });

  it("lists tags of all pages, and referrers by the tag of a registry without their API", async () => {
    const index = JSON.stringify({
      manifests: [
        { ...blob, artifactType: "a" },
        { ...blob, artifactType: "b" },
      ],
    });
    await using server = await Server.start(({ url = "" }, response) => {
      if (url.endsWith("/tags/list")) {
        response
          .writeHead(200, { link: '</v2/team/app/tags/list?last=b>; rel="next"' })
          .end('{"tags":["a","b"]}');
      } else if (url.includes("/tags/list?last=b")) response.end('{"tags":["c"]}');
      else if (url.includes("/manifests/sha256-")) response.end(index);
      else response.writeHead(404).end();
    });
    const repository = server.repository({ defaultScheme: "http" });
    assert.deepEqual(await Array.fromAsync(repository.tags()), ["a", "b", "c"]);
    assert.equal((await repository.referrers(blob.digest)).length, 2);
    assert.deepEqual(await repository.referrers(blob.digest, "b"), [{ ...blob, artifactType: "b" }]);
  });

  it("asks the limit for all that it lets through", async () => {
    await using server = await Server.start(good);
    const limit = new BandwidthLimit(1_000_000_000);
    const taken = mock.method(limit, "take");
    const repository = server.repository({ defaultScheme: "http", limits: [limit] });
    assert.ok(bytes.equals(await fetchAll(repository)));
    assert.equal(
      taken.mock.calls.reduce((sum, { arguments: [count] }) => sum + count, 0),
      bytes.length,
    );
  });
});

describe("Repository, with mirrors", () => {
  const folder = new TestFolder("mirrors");
  const root = folder.join("certs.d");
  after(() => folder[Symbol.dispose]());

  function configure(name: string, text: string): RegistryOptions {
    mkdirSync(`${root}/${name}`, { recursive: true });
    writeFileSync(`${root}/${name}/hosts.toml`, text);
    return { ...anonymous, hostsDirectories: [root] };
  }

  it("asks them in the file's order, says for whom, and ends at the registry", async () => {
    await using first = await Server.start(status(404));
    await using second = await Server.start(good);
    const options = configure(
      "docker.io",
      `server = "http://127.0.0.1:1"\n[host."http://${first.host}/proxy"]\n  [host."http://${first.host}/proxy".header]\n    x-team = ["a"]\n[host."http://${second.host}/v2/own"]\n  override_path = true\n`,
    );
    const repository = new Repository(parseReference("docker.io/library/app"), options);
    assert.ok(bytes.equals(await fetchAll(repository)));
    assert.equal(first.requests[0]?.url, `/proxy/v2/library/app/blobs/${blob.digest}?ns=docker.io`);
    assert.equal(first.requests[0]?.headers["x-team"], "a");
    assert.equal(second.requests[0]?.url, `/v2/own/library/app/blobs/${blob.digest}?ns=docker.io`);
  });

  it("asks only those that can do it, by the port's directory and by _default", async () => {
    await using mirror = await Server.start(status(404));
    const only = `[host."http://${mirror.host}"]\n  capabilities = ["pull"]\n`;
    await using own = await Server.start(
      status(200, {
        "docker-content-digest": blob.digest,
        "content-type": mediaTypes.ociManifest,
        "content-length": "9",
      }),
    );
    const port = own.host.split(":")[1];
    const options = configure(`127.0.0.1_${port}_`, `server = "http://${own.host}"\n${only}`);
    await own.repository(options).resolve("v1");
    assert.deepEqual([mirror.requests.length, own.requests.length], [0, 1]);
    configure("_default", only);
    const other = new Repository(parseReference("other.example/team/app"), options);
    await assert.rejects(other.resolve(blob.digest), /other\.example|not found/);
    assert.match(mirror.requests[0]?.url ?? "", /ns=other\.example/);
  });

  it("says which file it cannot read", async () => {
    const options = configure("bad.example", `[host."https://x"]\n  capabilities = ["fly"]\n`);
    const repository = new Repository(parseReference("bad.example/team/app"), options);
    await assert.rejects(repository.resolve("v1"), /bad\.example\/hosts\.toml: unknown capability fly/);
  });
});

describe("Repository, with a proxy in the environment", () => {
  afterEach(() => {
    delete process.env["HTTP_PROXY"];
    delete process.env["NO_PROXY"];
  });

  it("goes through it, but not to this machine", async () => {
    await using server = await Server.start(good);
    await using proxy = await Server.start(good);
    const [, port] = server.host.split(":");
    process.env["HTTP_PROXY"] = `http://${proxy.host}`;
    const options: RegistryOptions = { ...anonymous, defaultScheme: "http" };
    await fetchAll(new Repository(parseReference(`registry.invalid:${port}/team/app`), options));
    assert.match(proxy.requests[0]?.url ?? "", /^http:\/\/registry\.invalid/);
    await fetchAll(server.repository(options));
    assert.equal(proxy.requests.length, 1);
  });
});
