import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { contentConformance } from "@slipway/core/content/conformance";
import type { Namespace } from "@slipway/core/namespaces";
import type { MetadataStores, Scope } from "@slipway/core/stores";
import { Fault, hasCode } from "@slipway/fault/fault";
import { GrpcServer } from "@slipway/grpc/server";
import { digestOf } from "@slipway/oci/digest";
import { contentService } from "./content.ts";
import { MemoryContent } from "./memory-content.ts";
import { namespacesService } from "./namespaces.ts";
import { scopeOf } from "./scope.ts";
import { Metadata } from "@slipway/rpc/metadata";

const folder = mkdtempSync(join(tmpdir(), "slipway-services-"));
const address = join(folder, "s.sock");

async function ctr(args: readonly string[], input?: Uint8Array): Promise<string> {
  const child = spawn("ctr", ["--address", address, ...args], { stdio: "pipe" });
  child.stdin.end(input);
  const [out, error, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  if (code !== 0) throw new Error(error);
  return out;
}

contentConformance("MemoryContent", () => new MemoryContent());

describe("the services, asked by ctr", () => {
  const content = new MemoryContent();
  const scopes: Scope[] = [];
  const namespaces = new Map<string, Namespace>();
  const stores = {
    namespaces: {
      get: async (name: string) => {
        const found = namespaces.get(name);
        if (!found) throw new Fault("not_found", `namespace "${name}": not found`);
        return found;
      },
      list: async () => [...namespaces.values()],
      create: async (namespace: Namespace) => {
        if (namespaces.has(namespace.name)) {
          throw new Fault("already_exists", `namespace "${namespace.name}": already exists`);
        }
        namespaces.set(namespace.name, namespace);
        return namespace;
      },
    },
    scoped(scope: Scope) {
      scopes.push(scope);
      return { content };
    },
  } as unknown as MetadataStores;
  const server = new GrpcServer([contentService(stores), namespacesService(stores.namespaces)]);

  before(() => server.listen(address));
  after(async () => {
    await server.drain(0);
    rmSync(folder, { recursive: true });
  });

  it("makes and lists namespaces, and says why it cannot", async () => {
    await ctr(["namespaces", "create", "fleet", "color=blue"]);
    assert.match(await ctr(["namespaces", "ls"]), /fleet +color=blue/);
    await assert.rejects(ctr(["namespaces", "create", "fleet"]), /namespace "fleet": already exists/);
  });

  it("takes in and gives back a blob of many messages, unchanged", async () => {
    const blob = Buffer.alloc(5_000_000, "slipway ");
    const digest = digestOf(blob);
    const size = String(blob.length);
    await ctr(
      ["-n", "fleet", "content", "ingest", "--expected-digest", digest, "--expected-size", size, "ref"],
      blob,
    );
    assert.equal(digestOf(await content.bytes(digest)), digest);
    assert.match(await ctr(["-n", "fleet", "content", "ls"]), new RegExp(`${digest}.*5MB`));
    assert.equal(digestOf(await ctr(["-n", "fleet", "content", "get", digest])), digest);
    assert.ok(scopes.every(({ namespace }) => namespace === "fleet"));
    await ctr(["-n", "fleet", "content", "label", digest, "a=b"]);
    assert.match(await ctr(["-n", "fleet", "content", "ls"]), /a=b/);
  });

  it("refuses a blob that is not the expected one", async () => {
    const wrong = digestOf("other");
    await assert.rejects(
      ctr(["content", "ingest", "--expected-digest", wrong, "wrong"], Buffer.from("bytes")),
      /unexpected commit digest/,
    );
  });

  it("answers for a blob that is not there", async () => {
    await assert.rejects(ctr(["content", "get", digestOf("none")]), /not found/);
    await assert.rejects(
      promisify(execFile)("ctr", ["-a", address, "content", "get", "nonsense"]),
      /invalid/,
    );
  });
});

describe("scopeOf", () => {
  const context = (headers: [string, string][]): Parameters<typeof scopeOf>[0] => ({
    path: "/x/y",
    metadata: new Metadata(headers),
    signal: AbortSignal.abort(),
  });

  it("reads the headers of gRPC and of ttrpc", () => {
    assert.deepEqual(scopeOf(context([["containerd-namespace-ttrpc", "a"]])), { namespace: "a" });
    const both = context([
      ["containerd-namespace", "a"],
      ["containerd-lease", "l"],
    ]);
    assert.deepEqual(scopeOf(both), { namespace: "a", lease: "l" });
  });

  it("refuses a call without a namespace, or with a malformed one", () => {
    assert.throws(() => scopeOf(context([])), {
      code: "failed_precondition",
      message: "namespace is required: failed precondition",
    });
    assert.throws(
      () => scopeOf(context([["containerd-namespace", "../x"]])),
      (error) => hasCode(error, "invalid_argument"),
    );
  });
});
