import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { digestOf } from "@slipway/oci/digest";

/** An answer before it is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What an answer is for. */
export type Step =
  | "token"
  | "head manifest"
  | "get manifest"
  | "get config"
  | "get layer"
  | "head blob"
  | "mount"
  | "start upload"
  | "patch upload"
  | "put upload"
  | "put manifest";

export interface Exchange {
  readonly step: Step;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly answer: Answer;
}

/** Sends an answer in some way of its own. */
export type Send = (exchange: Exchange) => void;

export function send({ request, response, answer }: Exchange): void {
  const { status, headers, body } = answer;
  response.writeHead(status, { "content-length": body.length, ...headers });
  response.end(request.method === "HEAD" ? undefined : body);
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const ociType = (name: string): string => `application/vnd.oci.image.${name}`;

/** An image of one config and one layer behind an index, or not, as a registry has it. */
export class SmallImage {
  readonly config: Buffer;
  readonly layer: Buffer;
  readonly manifest: Buffer;

  constructor(name: string) {
    this.layer = Buffer.alloc(100_000, `layer of ${name} `);
    const rootfs = { type: "layers", diff_ids: [digestOf(this.layer)] };
    this.config = json({ os: "linux", architecture: "amd64", rootfs, author: name });
    const described = (type: string, bytes: Buffer): object => ({
      mediaType: ociType(type),
      digest: digestOf(bytes),
      size: bytes.length,
    });
    this.manifest = json({
      schemaVersion: 2,
      mediaType: ociType("manifest.v1+json"),
      config: described("config.v1+json", this.config),
      layers: [described("layer.v1.tar", this.layer)],
    });
  }
}

/** A registry that has one image and takes everything, to those with a token. One step may be answered otherwise. */
export class AnsweringRegistry implements AsyncDisposable {
  readonly requests: Step[] = [];
  readonly stored = new Map<string, Buffer>();
  host = "";
  readonly #image: SmallImage;
  readonly #wrong: { readonly step: Step; readonly send: Send } | undefined;
  readonly #server = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
    void this.#answer(request, response).catch(() => request.socket.destroy());
  });

  private constructor(image: SmallImage, wrong: { readonly step: Step; readonly send: Send } | undefined) {
    this.#image = image;
    this.#wrong = wrong;
  }

  static async start(
    image: SmallImage,
    wrong?: { readonly step: Step; readonly send: Send },
  ): Promise<AnsweringRegistry> {
    const registry = new AnsweringRegistry(image, wrong);
    registry.#server.on("clientError", (_, socket) => socket.destroy());
    registry.#server.listen(0, "127.0.0.1");
    await once(registry.#server, "listening");
    registry.host = `127.0.0.1:${(registry.#server.address() as { port: number }).port}`;
    return registry;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    const isAllowed = pathname === "/token" || request.headers.authorization === "Bearer t";
    const [step, answer] = isAllowed
      ? this.#stepOf(request.method ?? "", pathname, searchParams, body)
      : [undefined, this.#challenge()];
    const exchange = { request, response, socket: request.socket, answer };
    if (step !== undefined) this.requests.push(step);
    if (step !== undefined && this.#wrong?.step === step) this.#wrong.send({ ...exchange, step });
    else send({ ...exchange, step: step ?? "token" });
  }

  #challenge(): Answer {
    const challenge = `Bearer realm="http://${this.host}/token",service="s"`;
    return { status: 401, headers: { "www-authenticate": challenge }, body: Buffer.from("{}") };
  }

  #stepOf(method: string, path: string, query: URLSearchParams, body: Buffer): [Step, Answer] {
    if (path === "/token") return ["token", ok(json({ token: "t" }), "application/json")];
    if (path.includes("/manifests/")) return this.#manifestStep(method, path, body);
    const location = `${path.split("/blobs/")[0]}/blobs/uploads/1?_state=a%2Bb`;
    const accepted = { status: 202, headers: { location, range: "0-0" }, body: Buffer.alloc(0) };
    if (method === "POST") {
      if (!query.has("mount")) return ["start upload", accepted];
      return ["mount", accepted];
    }
    if (method === "PATCH") {
      this.stored.set("upload", Buffer.concat([this.stored.get("upload") ?? Buffer.alloc(0), body]));
      return ["patch upload", accepted];
    }
    if (method === "PUT") {
      const digest = query.get("digest") ?? "";
      this.stored.set(digest, Buffer.concat([this.stored.get("upload") ?? Buffer.alloc(0), body]));
      const headers = { "docker-content-digest": digest };
      return ["put upload", { status: 201, headers, body: Buffer.alloc(0) }];
    }
    const { config, layer } = this.#image;
    const blob = [config, layer].find((one) => path.endsWith(digestOf(one)));
    if (method === "HEAD") return ["head blob", missing];
    // Where an upload is asked how far it is.
    if (!blob) return ["head blob", missing];
    return [blob === config ? "get config" : "get layer", ok(blob, "application/octet-stream")];
  }

  #manifestStep(method: string, path: string, body: Buffer): [Step, Answer] {
    if (method === "PUT") {
      this.stored.set(path.slice(path.lastIndexOf("/") + 1), body);
      const headers = { "docker-content-digest": digestOf(body) };
      return ["put manifest", { status: 201, headers, body: Buffer.alloc(0) }];
    }
    const { manifest } = this.#image;
    const found = ok(manifest, ociType("manifest.v1+json"), { "docker-content-digest": digestOf(manifest) });
    return [method === "HEAD" ? "head manifest" : "get manifest", found];
  }
}

const missing: Answer = { status: 404, headers: {}, body: Buffer.from('{"errors":[{"code":"UNKNOWN"}]}') };

function ok(body: Buffer, type: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers: { "content-type": type, ...headers }, body };
}
