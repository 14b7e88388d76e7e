import assert from "node:assert/strict";
import { once } from "node:events";
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { connect } from "@slipway/client/connect";
import type { Client } from "@slipway/client/client";
import { pullInDaemon } from "@slipway/client/pull-in-daemon";
import { imageStore, registry as registryEnd } from "@slipway/client/transfer-ends";
import type { ExportEnd, TransferProgress } from "@slipway/core/transfer";
import { hasCode, messageOf } from "@slipway/fault/fault";
import { readImage } from "@slipway/images/image-config";
import { type Digest, digestOf } from "@slipway/oci/digest";
import { hostPlatform } from "@slipway/oci/platform";
import { dockerCredentials } from "@slipway/registry/docker-config";
import { type Fault, FaultyProxy } from "../support/faulty-proxy.ts";
import { TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";

const platform = hostPlatform();
const unpacks = [{ platform, snapshotter: "" }];

describe("the Transfer service", () => {
  const folder = new TestFolder("transfer");
  const verifiers = folder.join("verifiers");
  let registry: TestRegistry;
  let daemon: TestDaemon;
  let client: Client;
  let image: string;

  before(async () => {
    mkdirSync(verifiers);
    registry = await TestRegistry.start();
    image = await pushBusybox(registry.host);
    const config = `[plugins."io.containerd.image-verifier.v1.bindir"]\n  bin_dir = "${verifiers}"\n  per_verifier_timeout = "1s"\n`;
    daemon = await TestDaemon.start("slipwayd", { config });
    client = connect({ address: daemon.address });
  });
  after(async () => {
    await client[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const pull = (into: Client, onProgress?: (progress: TransferProgress) => void): Promise<void> =>
    into.transfer.transfer(
      registryEnd(image),
      imageStore(image, { unpacks }),
      onProgress ? { onProgress } : {},
    );

  it("pulls, unpacks and tells how far it is", async () => {
    const told: TransferProgress[] = [];
    await pull(client, (progress) => told.push(progress));
    const { target } = await client.images.get(image);
    const { chainId } = await readImage(client.content, target);
    assert.equal((await client.snapshotter("overlayfs").stat(chainId)).kind, "committed");
    const events = new Set(told.map(({ event }) => event));
    for (const event of ["waiting", "complete", "extracting", "extracted", "saved"])
      assert.ok(events.has(event));
    assert.equal(told.at(0)?.event, `Resolving from OCI Registry (${image})`);
    assert.equal(told.at(-1)?.event, `Completed pull from OCI Registry (${image})`);
    const layer = told.find(({ event, name }) => event === "complete" && name?.startsWith("layer-"));
    assert.equal(layer?.progress, layer?.target?.size);
    assert.match(layer?.parents?.[0] ?? "", /^manifest-/);
    assert.deepEqual(await client.leases.list(), []);
  });

  it("does once what many ask for", async () => {
    const other = client.inNamespace("many");
    const told: TransferProgress[] = [];
    await Promise.all([1, 2, 3, 4].map(() => pull(other, (progress) => told.push(progress))));
    const unpacked = told.filter(({ event }) => event === "extracting").map(({ name }) => name);
    assert.deepEqual([unpacked.length, new Set(unpacked).size], [2, 2]);
  });

  it("tags and pushes; skopeo reads what it pushed", async () => {
    const name = `${registry.host}/other/copy:v2`;
    await client.transfer.transfer(imageStore(image), imageStore(name));
    const told: TransferProgress[] = [];
    await client.transfer.transfer(imageStore(name), registryEnd(name), {
      onProgress: (progress) => told.push(progress),
    });
    const { target } = await client.images.get(image);
    const inspect = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${name}`];
    assert.equal((await output("skopeo", inspect)).trim(), target.digest);
    const copy = ["copy", "--insecure-policy", "--src-tls-verify=false"];
    await output("skopeo", [...copy, `docker://${name}`, `dir:${folder.join("copied")}`]);
    const { manifest } = await readImage(client.content, target);
    const stored = async (digest: Digest): Promise<Buffer> =>
      Buffer.concat(await Array.fromAsync(client.content.read(digest)));
    const copied = (file: string): Buffer => readFileSync(folder.join(`copied/${file}`));
    assert.ok((await stored(target.digest)).equals(copied("manifest.json")));
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      assert.ok((await stored(digest)).equals(copied(digest.slice("sha256:".length))));
    }
    const last = told.slice(-2).map(({ event }) => event);
    assert.deepEqual(last, [`Completed push to OCI Registry (${name})`, "pushed content"]);
  });

  const exporting = (file: string): ExportEnd => ({
    kind: "export stream",
    mediaType: "",
    platforms: [],
    allPlatforms: false,
    skipCompatibilityManifest: false,
    skipNonDistributable: false,
    write: (bytes) => writeFile(file, bytes),
  });
  const importing = (file: string) =>
    ({ kind: "import stream", bytes: createReadStream(file), mediaType: "", forceCompress: false }) as const;

  it("exports an archive that skopeo, containerd and itself take in", async () => {
    const file = folder.join("image.tar");
    await client.transfer.transfer(imageStore(image), exporting(file));
    const { target } = await client.images.get(image);
    for (const transport of ["oci-archive", "docker-archive"]) {
      await output("skopeo", ["inspect", `${transport}:${file}`]);
    }
    await using containerd = await TestDaemon.start("containerd");
    const imported = await containerd.ctr(["images", "import", file]);
    assert.equal(imported.code, 0, imported.stderr);
    assert.ok(imported.stdout.includes(target.digest));

    const other = client.inNamespace("imported");
    const prefix = { isPrefix: true, allowOverwrite: true, addDigest: false, skipNamedDigest: false };
    const to = imageStore("", { extraReferences: [{ name: "import", ...prefix }], unpacks });
    await other.transfer.transfer(importing(file), to);
    assert.equal((await other.images.get(image)).target.digest, target.digest);
  });

  it("imports what docker save makes, compressed or not", async () => {
    const file = folder.join("docker.tar");
    const source = `docker://${image}`;
    await output("skopeo", ["copy", "--src-tls-verify=false", source, `docker-archive:${file}:app:v1`]);
    await output("gzip", ["-k", file]);
    for (const name of [file, `${file}.gz`]) {
      const other = client.inNamespace(`docker-${name.length}`);
      const prefix = { isPrefix: true, allowOverwrite: true, addDigest: false, skipNamedDigest: false };
      const to = imageStore("", { extraReferences: [{ name: "import", ...prefix }], unpacks });
      await other.transfer.transfer(importing(name), to);
      const { target } = await other.images.get("docker.io/library/app:v1");
      const { config, chainId } = await readImage(other.content, target);
      assert.deepEqual(config.config?.Cmd, ["/bin/sh"]);
      assert.equal((await other.snapshotter("overlayfs").stat(chainId)).kind, "committed");
    }
  });

  it("sends bytes back as they came", async () => {
    const file = folder.join("echo");
    const bytes = Buffer.alloc(5_000_000, "slipway ");
    writeFileSync(folder.join("bytes"), bytes);
    await client.transfer.transfer(importing(folder.join("bytes")), exporting(file));
    assert.equal(await output("cmp", [file, folder.join("bytes")]), "");
  });

  it("asks the client for credentials", async () => {
    const htpasswd = folder.join("htpasswd");
    writeFileSync(htpasswd, await output("htpasswd", ["-Bbn", "bob", "secret"]));
    const top = `auth:\n  htpasswd: {realm: test, path: ${htpasswd}}`;
    await using guarded = await TestRegistry.start({ top });
    const name = `${guarded.host}/team/app:v1`;
    const asked: string[] = [];
    const login = (password: string) => ({
      credentials: async (host: string) => {
        asked.push(host);
        return { kind: "password", username: "bob", password } as const;
      },
    });
    await client.transfer.transfer(imageStore(image), registryEnd(name, login("secret")));
    const other = client.inNamespace("guarded");
    await other.transfer.transfer(registryEnd(name, login("secret")), imageStore(name));
    assert.ok(asked.length >= 2 && asked.every((host) => host === guarded.host));
    const refused = other.transfer.transfer(registryEnd(name, login("wrong")), imageStore(name));
    await assert.rejects(refused, /failed to resolve image: pull access denied.*from the client's login/);

    const auth = Buffer.from("bob:wrong").toString("base64");
    writeFileSync(folder.join("config.json"), JSON.stringify({ auths: { [guarded.host]: { auth } } }));
    const withFile = pullInDaemon(other, name, { credentials: dockerCredentials(folder.path) });
    await assert.rejects(withFile, /pull access denied.*"bob" from .*config\.json/);
  });

  it("fails clearly, and leaves nothing behind", async () => {
    const other = client.inNamespace("failing");
    const missing = `${registry.host}/team/none:v1`;
    await assert.rejects(other.transfer.transfer(registryEnd(missing), imageStore(missing)), (error) => {
      assert.equal(messageOf(error), `failed to resolve image: ${missing}: not found`);
      return hasCode(error, "not_found");
    });
    const backwards = other.transfer.transfer(registryEnd(missing), registryEnd(missing));
    await assert.rejects(backwards, {
      code: "unimplemented",
      message:
        "method Transfer not implemented for containerd.types.transfer.OCIRegistry to containerd.types.transfer.OCIRegistry",
    });
    writeFileSync(folder.join("junk"), "no archive");
    const to = imageStore("junk");
    await assert.rejects(other.transfer.transfer(importing(folder.join("junk")), to));
    assert.deepEqual([await other.images.list(), await other.leases.list()], [[], []]);
  });

  it("says what a registry does not do, which is not that the daemon could not transfer", async () => {
    await using server = createServer((_, response) => response.writeHead(405).end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const name = `127.0.0.1:${(server.address() as AddressInfo).port}/team/app:1`;
    await assert.rejects(client.transfer.transfer(registryEnd(name), imageStore(name)), {
      code: "unimplemented",
      message: /^failed to resolve image: .*http:\/\/127\.0\.0\.1:.* answered 405 Method Not Allowed/,
    });
  });

  /** Nothing holds what a failed pull has fetched: it may be collected at any time. */
  async function isWholeOrCollected({ content }: Client, digest: Digest): Promise<boolean> {
    try {
      return digestOf(Buffer.concat(await Array.fromAsync(content.read(digest)))) === digest;
    } catch (error) {
      if (hasCode(error, "not_found")) return true;
      throw error;
    }
  }

  const faults: Record<string, [Fault, RegExp | undefined]> = {
    "breaks connections": [{ breakEvery: 3 }, undefined],
    "answers 500 and 429": [{ refuseEvery: 3 }, undefined],
    "lies about layers": [{ change: (chunk) => chunk.fill(0, 0, 1) }, /Cannot verify|unexpected/],
    "lies about manifests": [
      { changeManifests: (chunk) => chunk.fill(32, 0, 1) },
      /Cannot verify|unexpected/,
    ],
    "ends blobs in their middle, as if they were whole": [{ truncateEvery: 2 }, undefined],
    "has its blobs elsewhere": [{ blobsAt: "REGISTRY" }, undefined],
    "has lost its layers": [{ lost: true }, /404 Not Found/],
  };
  for (const [name, [fault, message]] of Object.entries(faults)) {
    it(`ends in a whole image or a clear error with a registry that ${name}`, async () => {
      await using daemon = await TestDaemon.start("slipwayd");
      await using fresh = connect({ address: daemon.address, namespace: "fresh" });
      const there = fault.blobsAt === undefined ? fault : { ...fault, blobsAt: registry.host };
      await using proxy = await FaultyProxy.start(registry.host, there);
      const through = image.replace(registry.host, proxy.host);
      const pulled = fresh.transfer.transfer(registryEnd(through), imageStore(image, { unpacks }));
      if (message) {
        await assert.rejects(pulled, message);
        assert.deepEqual([await fresh.images.list(), await fresh.leases.list()], [[], []]);
        const snapshots = await Array.fromAsync(fresh.snapshotter("overlayfs").walk());
        assert.deepEqual(
          snapshots.filter(({ kind }) => kind !== "committed"),
          [],
        );
        for await (const { digest } of fresh.content.walk()) {
          assert.ok(await isWholeOrCollected(fresh, digest));
        }
        // What was wrong is not continued: the next pull has a chance.
        await pull(fresh);
      } else await pulled;
      const { target } = await fresh.images.get(image);
      const { chainId } = await readImage(fresh.content, target);
      assert.equal((await fresh.snapshotter("overlayfs").stat(chainId)).kind, "committed");
    });
  }

  it("hands on what the registry wants its users to read, to the command line as well", async () => {
    await using proxy = await FaultyProxy.start(registry.host, { warning: "going away" });
    const through = image.replace(registry.host, proxy.host);
    const { code, stderr } = await daemon.slipway(["-n", "warned", "pull", "-q", through]);
    assert.deepEqual([code, stderr], [0, "The registry warns: going away\n"]);
    assert.match(daemon.log, /registry warns.*going away/);
  });

  it("asks verifiers, and believes the one that says no", async () => {
    const script = (name: string, text: string): void =>
      writeFileSync(`${verifiers}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const other = client.inNamespace("verified");
    script("a", `echo "$@" > ${folder.join("args")}; cat > ${folder.join("stdin")}; echo fine`);
    await pull(other);
    const { target } = await other.images.get(image);
    assert.equal(
      await output("cat", [folder.join("args")]),
      `-name ${image} -digest ${target.digest} -stdin-media-type application/vnd.oci.descriptor.v1+json\n`,
    );
    assert.equal(JSON.parse(await output("cat", [folder.join("stdin")])).digest, target.digest);
    script("b", "echo unsigned; exit 2");
    await assert.rejects(
      pull(other),
      /bindir blocked pull of .* for reason: verifier b rejected image \(exit code 2\): unsigned/,
    );
    script("b", "sleep 60 & wait");
    await assert.rejects(pull(other), /failed to call verifier b: it did not end within 1000 ms/);
    const prefix = { isPrefix: true, allowOverwrite: true, addDigest: false, skipNamedDigest: false };
    const to = imageStore("", { extraReferences: [{ name: "import", ...prefix }] });
    const blocked = client.inNamespace("blocked");
    await assert.rejects(
      blocked.transfer.transfer(importing(folder.join("image.tar")), to),
      /blocking import/,
    );
    assert.deepEqual(await blocked.images.list(), []);
    // The command line lets the daemon take archives in, so that they are asked there, too.
    const loaded = await daemon.slipway(["-n", "blocked", "load", "-i", folder.join("image.tar")]);
    assert.match(loaded.stderr, /blocking import/);
    assert.deepEqual(await blocked.images.list(), []);
    script("b", "echo signed");
    const taken = await daemon.slipway(["-n", "blocked", "load", "-q", "-i", folder.join("image.tar")]);
    assert.deepEqual([taken.code, taken.stdout], [0, `${image}\n`], taken.stderr);
  });
});
