import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type OutgoingHttpHeaders } from "node:http";
import { describe, it } from "node:test";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { parseReference } from "@slipway/oci/reference";
import { Repository } from "./registry.ts";

interface Answer {
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string;
  /** Of HEAD, if it differs. */
  readonly head?: OutgoingHttpHeaders;
}

const descriptor = { mediaType: mediaTypes.ociConfig, digest: digestOf("{}"), size: 2 };
const manifest = JSON.stringify({ schemaVersion: 2, config: descriptor, layers: [] });
const index = JSON.stringify({ schemaVersion: 2, manifests: [] });
const digest = digestOf(manifest);
const other = digestOf("another");

/** Resolves a tag or a digest at a registry that answers everything in one way. @returns the requests' methods as well */
async function resolve(
  { headers = {}, head, body }: Answer,
  tagOrDigest = "1",
): Promise<{ target: { mediaType: string; digest: string; size: number }; methods: string[] }> {
  const methods: string[] = [];
  const server = createServer((request, response) => {
    methods.push(request.method ?? "");
    response
      .writeHead(200, {
        "content-length": Buffer.byteLength(body),
        ...headers,
        ...(request.method === "HEAD" ? head : {}),
      })
      .end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as { port: number };
    const repository = new Repository(parseReference(`127.0.0.1:${port}/team/app`), {
      defaultScheme: "http",
      credentials: { origin: "nowhere", find: async () => undefined },
    });
    return { target: await repository.resolve(tagOrDigest), methods };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const type = (mediaType: string): OutgoingHttpHeaders => ({ "content-type": mediaType });
const named = (name: string): OutgoingHttpHeaders => ({ "docker-content-digest": name });

describe("Repository.resolve", () => {
  it("believes an answer to HEAD that is complete", async () => {
    const headers = { ...type(`${mediaTypes.ociManifest}; charset=utf-8`), ...named(digest) };
    const target = { mediaType: mediaTypes.ociManifest, digest, size: manifest.length };
    assert.deepEqual(await resolve({ headers, body: manifest }), { target, methods: ["HEAD"] });
    assert.deepEqual(await resolve({ headers, body: manifest }, digest), { target, methods: ["HEAD"] });
  });

  for (const [what, answer, mediaType] of [
    ["no type", { body: manifest }, mediaTypes.ociManifest],
    ["no type", { body: index }, mediaTypes.ociIndex],
    ["application/json", { headers: type("application/json"), body: manifest }, mediaTypes.ociManifest],
    ["text/plain", { headers: type("text/plain"), body: index }, mediaTypes.ociIndex],
    ["text/html", { headers: type("text/html"), body: manifest }, mediaTypes.ociManifest],
    [
      "octets, and a type in the manifest",
      {
        headers: type("application/octet-stream"),
        body: JSON.stringify({ mediaType: mediaTypes.dockerManifest, config: descriptor, layers: [] }),
      },
      mediaTypes.dockerManifest,
    ],
  ] satisfies [string, Answer, string][]) {
    it(`finds out the type of a manifest with ${what}: ${mediaType}`, async () => {
      const { target, methods } = await resolve(answer);
      assert.deepEqual(target, { mediaType, digest: digestOf(answer.body), size: answer.body.length });
      assert.deepEqual(methods, ["HEAD", "GET"]);
    });
  }

  for (const [what, name] of [
    ["none", undefined],
    ["a malformed one", "sha256:xyz"],
    ["one of another length", "sha256:ab"],
    ["one of an unknown algorithm", "md5:0123456789abcdef0123456789abcdef"],
  ] as const) {
    it(`hashes the bytes itself where the registry names ${what} as digest`, async () => {
      const headers = { ...type(mediaTypes.ociManifest), ...(name === undefined ? {} : named(name)) };
      assert.equal((await resolve({ headers, body: manifest })).target.digest, digest);
      assert.equal((await resolve({ headers, body: manifest }, digest)).target.digest, digest);
    });
  }

  it("hashes with the algorithm that was asked for", async () => {
    const body = manifest;
    const sha512 = `sha512:${"0".repeat(128)}`;
    const headers = { ...type("application/json"), ...named(digest) };
    await assert.rejects(resolve({ headers, body }, sha512), { code: "data_loss" });
  });

  it("never takes another manifest for the one that was asked for", async () => {
    const known = type(mediaTypes.ociManifest);
    // By what HEAD says, what GET says, or the bytes alone.
    for (const answer of [
      { headers: { ...known, ...named(digest) }, body: manifest },
      { headers: named(digest), body: manifest },
      { head: { "content-length": 0 }, headers: known, body: manifest },
      { headers: named("nonsense"), body: manifest },
    ]) {
      await assert.rejects(resolve(answer, other), { code: "data_loss" });
    }
    await assert.rejects(resolve({ headers: named(other), body: manifest }), {
      code: "data_loss",
      message: new RegExp(`GET http://.*/v2/team/app/manifests/1 answered with ${digest}, not ${other}$`),
    });
  });

  it("names the image of schema 1, whatever its type", async () => {
    const body = JSON.stringify({ schemaVersion: 1, fsLayers: [{ blobSum: digest }], history: [] });
    const schema1 = "application/vnd.docker.distribution.manifest.v1";
    for (const one of [`${schema1}+json`, `${schema1}+prettyjws`, "application/json", "text/plain", ""]) {
      for (const headers of [type(one), { ...type(one), ...named(digestOf(body)) }]) {
        await assert.rejects(resolve({ headers, body }), {
          code: "failed_precondition",
          message: /^"127\.0\.0\.1:\d+\/team\/app:1" is a Docker schema 1 image, which is not supported; /,
        });
      }
    }
  });

  for (const [what, body, why] of [
    [
      "a page",
      "<!DOCTYPE html><title>Log in</title>",
      /answered with an HTML page titled "Log in", not a manifest/,
    ],
    ["nothing", "", /it is empty$/],
    ["half of one", manifest.slice(0, 40), /it is not JSON: it ends too early$/],
    ["null", "null", /it is null$/],
    ["a list", "[]", /it is a list, not an object$/],
    ["another object", '{"errors":[]}', /it has none of the fields of a manifest$/],
    [
      "both an index and a manifest",
      JSON.stringify({ config: descriptor, layers: [], manifests: [descriptor] }),
      /it has the fields of an index and of a manifest$/,
    ],
    [
      "an index that calls itself a manifest",
      JSON.stringify({ mediaType: mediaTypes.ociManifest, manifests: [] }),
      /it is called application\/vnd.oci.image.manifest.v1\+json, but has the fields of an index$/,
    ],
  ] as const) {
    it(`refuses ${what} in the place of a manifest, and says from where`, async () => {
      const failed = assert.rejects(
        resolve({ body, headers: type("application/json") }),
        ({ message }: Error) => {
          assert.match(message, why);
          assert.match(message, /GET http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/manifests\/1/);
          return true;
        },
      );
      await failed;
    });
  }

  it("refuses a manifest that is announced as an index, and one that is too large", async () => {
    const wrong = { headers: type(mediaTypes.dockerList), head: { "content-length": 0 }, body: manifest };
    await assert.rejects(resolve(wrong), /called .*manifest\.list.*, but has the fields of a manifest$/);
    const large = { ...type(mediaTypes.ociIndex), ...named(digest), "content-length": 5_000_000 };
    await assert.rejects(
      resolve({ head: large, body: "" }),
      /announces a manifest of 5000000 bytes, more than/,
    );
  });
});
