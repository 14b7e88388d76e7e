import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "@slipway/oci/digest";
import { type Answer, type Exchange, send, type Send } from "./answering-registry.ts";

/** The answer, changed. */
const changed =
  (change: (answer: Answer, exchange: Exchange) => Partial<Answer>): Send =>
  (exchange) =>
    send({ ...exchange, answer: { ...exchange.answer, ...change(exchange.answer, exchange) } });
const withHeaders = (headers: Readonly<Record<string, string>>): Send =>
  changed((answer) => ({ headers: { ...answer.headers, ...headers } }));
const status = (code: number, headers: Readonly<Record<string, string>> = {}, text = ""): Send =>
  changed(() => ({ status: code, headers, body: Buffer.from(text) }));
const body = (text: string, type = "application/json"): Send =>
  changed(({ headers }) => ({ headers: { ...headers, "content-type": type }, body: Buffer.from(text) }));
const encoded = (name: string, encode: (bytes: Buffer) => Buffer): Send =>
  changed((answer) => ({
    headers: { ...answer.headers, "content-encoding": name },
    body: encode(answer.body),
  }));
/** Bytes of one's own on the connection, which ends after them. */
const raw =
  (bytes: (answer: Answer) => string | Buffer, ends: "end" | "reset" | "stay" = "end"): Send =>
  ({ socket, answer }) => {
    socket.write(bytes(answer), () => {
      if (ends === "end") socket.destroySoon();
      else if (ends === "reset") socket.resetAndDestroy();
    });
  };
const head = ({ status: code, headers }: Answer, more: string): string =>
  `HTTP/1.1 ${code} X\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}${more}\r\n`;

/** Ways of a registry, or of what is between, to answer wrongly or oddly. None may do more than fail. */
export const wrongAnswers: Readonly<Record<string, Send>> = {
  "201 and nothing": status(201),
  "204": status(204),
  "206 without a range": changed(() => ({ status: 206 })),
  "206 with another range": changed(({ headers }) => ({
    status: 206,
    headers: { ...headers, "content-range": "bytes 5-9/10" },
  })),
  "206 with a malformed range": changed(({ headers }) => ({
    status: 206,
    headers: { ...headers, "content-range": "lines 5" },
  })),
  "301 in circles": changed((_, { request }) => ({ status: 301, headers: { location: request.url ?? "/" } })),
  "302 without a Location": status(302),
  "302 to a malformed Location": status(302, { location: "http://[::1" }),
  "302 to another protocol": status(302, { location: "file:///etc/passwd" }),
  "302 to nobody": status(302, { location: "http://127.0.0.1:1/" }),
  "303 to a page": changed((_, { request }) =>
    request.url?.includes("login")
      ? { status: 200, headers: { "content-type": "text/html" }, body: Buffer.from("<html>") }
      : { status: 303, headers: { location: `${request.url}&login` } },
  ),
  "304": status(304),
  "401 without a challenge": status(401),
  "401 again and again": status(401, { "www-authenticate": 'Bearer realm="/token"' }),
  "401 with a realm that is none": status(401, {
    "www-authenticate": 'Bearer realm="Registry, \\"Realm\\""',
  }),
  "403 and a page": status(403, { "content-type": "text/html" }, "<!doctype html><title>Blocked</title>"),
  "404 and errors that are none": status(404, {}, '{"errors":[null,5,{"code":{}}]}'),
  "404 and null": status(404, {}, "null"),
  "408": status(408),
  "413": status(413),
  "416": status(416),
  "429": status(429, { "retry-after": "0" }),
  "429 until the next century": status(429, { "retry-after": "Fri, 01 Jan 2100 00:00:00 GMT" }),
  "500": status(500, {}, "\u001b[31moops"),
  "503 and when to come back": status(503, { "retry-after": "soon" }),
  "599": status(599),
  "an empty body": changed(() => ({ body: Buffer.alloc(0) })),
  "a page": body("<!DOCTYPE html><html><head><title>Please log in</title>", "text/html; charset=utf-8"),
  "schema 1": body(
    '{"schemaVersion":1,"fsLayers":[]}',
    "application/vnd.docker.distribution.manifest.v1+json",
  ),
  "the type of something else": withHeaders({ "content-type": "application/vnd.oci.image.index.v1+json" }),
  "no type": changed(({ headers }) => ({
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "content-type")),
  })),
  "another digest": withHeaders({ "docker-content-digest": digestOf("another") }),
  "a malformed digest": withHeaders({ "docker-content-digest": "sha256:é" }),
  "a digest of another algorithm": withHeaders({ "docker-content-digest": `sha512:${"a".repeat(128)}` }),
  "a megabyte of headers and more": withHeaders({ "x-much": "v".repeat(1_100_000) }),
  "thousands of headers": changed(({ headers }) => ({
    headers: { ...Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`x-${n}`, "v"])), ...headers },
  })),
  "nothing at all": () => {},
  "headers and nothing more": ({ response, answer }) => {
    response.writeHead(answer.status, { ...answer.headers, "content-length": answer.body.length + 10 });
    response.flushHeaders();
  },
  "a closed connection": ({ socket }) => socket.destroy(),
  "a reset": ({ socket }) => socket.resetAndDestroy(),
  "a reset in the middle of a header": raw(() => "HTTP/1.1 200 OK\r\ncontent-ty", "reset"),
  "a length that is none": raw((answer) => head(answer, "content-length: -5\r\n")),
  "two lengths": raw((answer) => head(answer, "content-length: 5\r\ncontent-length: 6\r\n")),
  "HTTP/1.0": raw((answer) =>
    Buffer.concat([Buffer.from(head(answer, "").replace("HTTP/1.1", "HTTP/1.0")), answer.body]),
  ),
  "something that is not HTTP": raw(() => "SSH-2.0-OpenSSH_9.2\r\n"),
  zeros: raw(() => Buffer.alloc(5000)),
  "hints before": raw((answer) =>
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${head(answer, `content-length: ${answer.body.length}\r\n`)}`,
      ),
      answer.body,
    ]),
  ),
  "gzip by name alone": withHeaders({ "content-encoding": "gzip" }),
  "a Location that is none": withHeaders({ location: "http://[" }),
  "a Location elsewhere": withHeaders({ location: "http://127.0.0.1:1/upload" }),
};

/** Ways for answers whose bodies are used. */
export const wrongBodies: Readonly<Record<string, Send>> = {
  "a page as JSON": body("<!DOCTYPE html><html><head><title>Please log in</title>"),
  null: body("null"),
  "a list": body("[]"),
  "half of a document": body('{"schemaVersion":2,"lay'),
  nonsense: body("nonsense", "text/plain"),
  "fields that are something else": body(
    '{"token":5,"layers":{},"config":[],"manifests":null,"mediaType":7}',
  ),
  "an index and a manifest in one": body(
    '{"layers":[],"manifests":[]}',
    "application/vnd.oci.image.index.v1+json",
  ),
  "bytes of something else": changed((answer) => ({ body: Buffer.alloc(answer.body.length, 1) })),
  "more bytes": changed((answer) => ({
    body: Buffer.concat([answer.body, answer.body, Buffer.from("more")]),
  })),
  "fewer bytes": changed((answer) => ({ body: answer.body.subarray(0, -1) })),
  "a body without an end": ({ response, answer: { status: code, headers } }) => {
    response.writeHead(code, { ...headers, "transfer-encoding": "chunked" });
    const more = (): void => {
      for (let n = 0; n < 100 && !response.destroyed; n += 1) {
        if (!response.write(Buffer.alloc(65_536, 32))) return void response.once("drain", more);
      }
      response.destroy();
    };
    more();
  },
  "a reset in the middle of the body": raw(
    (answer) =>
      `${head(answer, `content-length: ${answer.body.length + 9}\r\n`)}${answer.body.toString("latin1", 0, 9)}`,
    "reset",
  ),
  "a length that is too large": raw((answer) =>
    Buffer.concat([Buffer.from(head(answer, `content-length: ${answer.body.length + 9}\r\n`)), answer.body]),
  ),
  "chunks that are none": raw((answer) => `${head(answer, "transfer-encoding: chunked\r\n")}zz\r\nwhat\r\n`),
  "chunks and trailers": raw((answer) =>
    Buffer.concat([
      Buffer.from(`${head(answer, "transfer-encoding: chunked\r\n")}${answer.body.length.toString(16)}\r\n`),
      answer.body,
      Buffer.from(`\r\n0\r\nx-trailer: 1\r\n\r\n`),
    ]),
  ),
  gzip: encoded("gzip", (bytes) => gzipSync(bytes)),
  deflate: encoded("deflate", (bytes) => deflateSync(bytes)),
  "deflate without its header": encoded("deflate", (bytes) => deflateRawSync(bytes)),
  br: encoded("br", (bytes) => brotliCompressSync(bytes)),
  zstd: encoded("zstd", (bytes) => zstdCompressSync(bytes)),
  "gzip in gzip": encoded("gzip, gzip", (bytes) => gzipSync(gzipSync(bytes))),
  "an unknown encoding": withHeaders({ "content-encoding": "rot13" }),
};
