import { createSign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Certificates } from "./certificates.ts";

export interface TokenServerOptions {
  readonly certificates: Certificates;
  readonly login: { readonly username: string; readonly password: string };
  readonly refreshToken: string;
}

/** Gives out tokens that a docker-registry with the same certificate believes. */
export class TokenServer implements AsyncDisposable {
  readonly realm: string;
  /** How each token was asked for: method and scopes. */
  readonly asked: string[];
  readonly #stop: () => Promise<void>;

  private constructor(realm: string, asked: string[], stop: () => Promise<void>) {
    this.realm = realm;
    this.asked = asked;
    this.#stop = stop;
  }

  static async start({ certificates, login, refreshToken }: TokenServerOptions): Promise<TokenServer> {
    const asked: string[] = [];
    const basic = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const isPost = request.method === "POST";
      const query = isPost
        ? new URLSearchParams(await text(request))
        : new URL(request.url ?? "", "http://x").searchParams;
      const scopes = query.getAll("scope").flatMap((scope) => scope.split(" "));
      asked.push(`${request.method} ${scopes.join(" ")}`);
      const known = isPost
        ? query.get("refresh_token") === refreshToken
        : request.headers.authorization === basic;
      if (!known) {
        response.writeHead(401).end(JSON.stringify({ details: "incorrect username or password" }));
        return;
      }
      response.end(JSON.stringify({ access_token: signToken(scopes, certificates), expires_in: 300 }));
    };
    const server = createServer((request, response) => void answer(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    return new TokenServer(`http://127.0.0.1:${port}/token`, asked, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    });
  }

  /** What docker-registry must be told. */
  config(certificates: Certificates): string {
    const { ca } = certificates;
    return `auth:\n  token: {realm: "${this.realm}", service: test, issuer: test, rootcertbundle: ${ca}}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

function signToken(scopes: readonly string[], { cert, key }: Certificates): string {
  const now = Math.floor(Date.now() / 1000);
  const access = scopes.map((scope) => {
    const [type, name, actions = ""] = scope.split(":");
    return { type, name, actions: actions.split(",") };
  });
  const header = {
    alg: "RS256",
    typ: "JWT",
    x5c: [new X509Certificate(readFileSync(cert)).raw.toString("base64")],
  };
  const claims = {
    iss: "test",
    aud: "test",
    sub: "",
    jti: "1",
    iat: now,
    nbf: now - 60,
    exp: now + 300,
    access,
  };
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(readFileSync(key)).toString("base64url")}`;
}
