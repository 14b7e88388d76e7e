import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { hasCode, messageOf } from "@slipway/fault/fault";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { parseReference } from "@slipway/oci/reference";
import { dockerCredentials } from "@slipway/registry/docker-config";
import { type RegistryOptions, Repository } from "@slipway/registry/registry";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { TestFolder } from "../support/folder.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";
import { TokenServer } from "../support/token-server.ts";

const bytes = Buffer.from("a blob");
const blob = { mediaType: mediaTypes.ociLayer, digest: digestOf(bytes), size: bytes.length };
async function* read(offset: number, length: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(offset, offset + length);
}

describe("Repository, with docker-registry behind TLS and a login", () => {
  const folder = new TestFolder("logins");
  let certificates: Certificates;
  let registry: TestRegistry;

  before(async () => {
    certificates = await makeCertificates(folder.path);
    const { ca, cert, key } = certificates;
    const htpasswd = folder.join("htpasswd");
    writeFileSync(htpasswd, await output("htpasswd", ["-Bbn", "bob", "secret"]));
    registry = await TestRegistry.start({
      http: `  tls: {certificate: ${cert}, key: ${key}, clientcas: [${ca}]}`,
      top: `auth:\n  htpasswd: {realm: test, path: ${htpasswd}}`,
    });
    writeFileSync(folder.join("password"), "secret\n");
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  function withHosts(text: string, options: RegistryOptions = {}): Repository {
    const root = folder.join("certs.d");
    const directory = `${root}/${registry.host}`;
    mkdirSync(directory, { recursive: true });
    const { ca, cert, key } = certificates;
    const tls = `server = "https://${registry.host}"\nca = "${ca}"\nclient = [["${cert}", "${key}"]]\n`;
    writeFileSync(`${directory}/hosts.toml`, tls + text);
    const nothing = dockerCredentials(folder.join("nothing"));
    const reference = parseReference(`${registry.host}/team/app`);
    return new Repository(reference, { hostsDirectories: [root], credentials: nothing, ...options });
  }

  it("logs in with what hosts.toml says, which is read anew each time", async () => {
    const file = folder.join("password");
    const repository = withHosts(`username = "bob"\npassword_file = "${file}"\n`);
    assert.equal(await repository.pushBlob(blob, read), "pushed");
    assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(repository.fetch(blob)))));
    withHosts(`username = "eve"\npassword_file = "${file}"\n`);
    await assert.rejects(repository.exists(blob), (error) => hasCode(error, "unauthenticated"));
  });

  it("names the file whose credentials were refused, and the one where there were none", async () => {
    writeFileSync(folder.join("wrong"), "wrong");
    const refused = withHosts(`username = "bob"\npassword_file = "${folder.join("wrong")}"\n`);
    await assert.rejects(refused.resolve("latest"), (error) => {
      assert.match(messageOf(error), /^pull access denied, .*credentials of "bob" from .*hosts\.toml/);
      return true;
    });
    await assert.rejects(withHosts("").resolve("latest"), (error) => {
      assert.match(messageOf(error), /no credentials for "127.0.0.1:\d+" in .*nothing\/config\.json/);
      return true;
    });
  });

  it("logs in with docker's config.json, and with the credential helper that it names", async () => {
    const auth = Buffer.from("bob:secret").toString("base64");
    writeFileSync(folder.join("config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const stored = withHosts("", { credentials: dockerCredentials(folder.path) });
    assert.equal(await stored.exists(blob), true);

    const helper = folder.join("docker-credential-test");
    writeFileSync(helper, `#!/bin/sh\n[ "$1" = get ] && printf '{"Username":"bob","Secret":"secret"}'\n`, {
      mode: 0o755,
    });
    process.env["PATH"] = `${folder.path}:${process.env["PATH"]}`;
    const config = { credHelpers: { [registry.host]: "test" } };
    writeFileSync(folder.join("config.json"), JSON.stringify(config));
    const helped = withHosts("", { credentials: dockerCredentials(folder.path) });
    assert.equal(await helped.exists(blob), true);
    assert.equal(await withHosts(`credential_helper = "test"\n`).exists(blob), true);
  });

  it("refuses a certificate that nobody vouches for", async () => {
    const reference = parseReference(`${registry.host}/team/app`);
    const strict = new Repository(reference, { defaultScheme: "https" });
    await assert.rejects(strict.resolve("latest"), /certificate/);
  });
});

describe("Repository, with docker-registry and a token server", () => {
  const folder = new TestFolder("tokens");
  const login = { username: "bob", password: "secret" };
  let server: TokenServer;
  let registry: TestRegistry;

  before(async () => {
    const certificates = await makeCertificates(folder.path);
    server = await TokenServer.start({ certificates, login, refreshToken: "long-lived" });
    registry = await TestRegistry.start({ top: server.config(certificates) });
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const source = (found: object): RegistryOptions => ({
    credentials: { origin: "the test", find: async () => ({ origin: "the test", ...found }) as never },
  });
  const open = (path: string, found: object): Repository =>
    new Repository(parseReference(`${registry.host}/${path}`), source(found));

  it("gets one token a scope with a password", async () => {
    const repository = open("team/app", { kind: "password", ...login });
    assert.equal(await repository.pushBlob(blob, read), "pushed");
    await Promise.all([1, 2, 3].map(() => Array.fromAsync(repository.fetch(blob))));
    assert.deepEqual(server.asked.splice(0).toSorted().slice(-1), ["GET repository:team/app:pull,push"]);
  });

  it("gets one with a refresh token", async () => {
    const repository = open("team/app", { kind: "identity-token", token: "long-lived" });
    assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(repository.fetch(blob)))));
    assert.deepEqual(server.asked.splice(0), ["POST repository:team/app:pull"]);
  });

  it("gets one with what hosts.toml and docker's config.json say", async () => {
    const root = folder.join("certs.d");
    mkdirSync(`${root}/${registry.host}`, { recursive: true });
    const hosts = (text: string): void =>
      writeFileSync(`${root}/${registry.host}/hosts.toml`, `server = "http://${registry.host}"\n${text}`);
    const reads = async (credentials = dockerCredentials(folder.join("nothing"))): Promise<string[]> => {
      server.asked.length = 0;
      const reference = parseReference(`${registry.host}/team/app`);
      const repository = new Repository(reference, { hostsDirectories: [root], credentials });
      assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(repository.fetch(blob)))));
      return [...server.asked];
    };
    writeFileSync(folder.join("token"), "long-lived\n");
    hosts(`token_file = "${folder.join("token")}"\n`);
    assert.deepEqual(await reads(), ["POST repository:team/app:pull"]);
    writeFileSync(folder.join("password"), "secret\n");
    hosts(`username = "bob"\npassword_file = "${folder.join("password")}"\n`);
    assert.deepEqual(await reads(), ["GET repository:team/app:pull"]);
    hosts("");
    for (const [entry, method] of [
      [{ identitytoken: "long-lived" }, "POST"],
      [{ auth: Buffer.from("bob:secret").toString("base64") }, "GET"],
    ] as const) {
      writeFileSync(folder.join("config.json"), JSON.stringify({ auths: { [registry.host]: entry } }));
      assert.deepEqual(await reads(dockerCredentials(folder.path)), [`${method} repository:team/app:pull`]);
    }
  });

  it("mounts a blob from another repository, with a token for both", async () => {
    const repository = open("team/other", { kind: "password", ...login });
    assert.equal(await repository.pushBlob(blob, read, { mountFrom: "team/app" }), "mounted");
    assert.ok(server.asked.includes("GET repository:team/other:pull,push repository:team/app:pull"));
  });

  it("tells what the token server said", async () => {
    const repository = open("team/app", { kind: "password", username: "bob", password: "wrong" });
    await assert.rejects(
      repository.resolve("latest"),
      /incorrect username or password .*of "bob" from the test/,
    );
  });
});
