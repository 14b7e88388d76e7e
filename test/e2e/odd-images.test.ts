import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parseManifest } from "@slipway/oci/documents/manifest";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { programs, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

describe("images that are not as usual", () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;

  before(async () => {
    [daemon, registry] = await Promise.all([
      TestDaemon.start(programs[0] ?? "slipwayd"),
      TestRegistry.start(),
    ]);
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  const put = async (path: string, mediaType: string, body: Uint8Array): Promise<void> => {
    const headers = { "content-type": mediaType };
    const answer = await fetch(new URL(path, `http://${registry.host}`), { method: "PUT", headers, body });
    assert.equal(answer.status, 201, await answer.text());
  };

  const pushBlob = async (repository: string, mediaType: string, text: string): Promise<Descriptor> => {
    const begun = await fetch(`http://${registry.host}/v2/${repository}/blobs/uploads/`, { method: "POST" });
    const place = new URL(begun.headers.get("location") ?? "", begun.url);
    place.searchParams.set("digest", digestOf(text));
    await put(place.href, "application/octet-stream", Buffer.from(text));
    return { mediaType, digest: digestOf(text), size: Buffer.byteLength(text) };
  };

  const pushManifest = async (repository: string, manifest: object): Promise<string> => {
    const body = Buffer.from(JSON.stringify(manifest));
    await put(`/v2/${repository}/manifests/1`, mediaTypes.ociManifest, body);
    return `${registry.host}/${repository}:1`;
  };

  it("have further blobs among their layers, which go where the image goes", async () => {
    const image = await pushBusybox(registry.host);
    const [, repository = ""] = /\/(.*):/.exec(image) ?? [];
    const accept = `${mediaTypes.ociManifest}, ${mediaTypes.dockerManifest}`;
    const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/latest`, {
      headers: { accept },
    });
    const manifest = parseManifest("manifest", new Uint8Array(await answer.arrayBuffer()));
    const sbom = await pushBlob(repository, "application/vnd.example.sbom+json", '{"sbom": true}');
    const layers = [sbom, ...manifest.layers];
    const name = await pushManifest(repository, { ...manifest, mediaType: mediaTypes.ociManifest, layers });
    await daemon.printed("pull", "-q", name);
    assert.equal(await daemon.printed("run", "--rm", name, "echo", "hi"), "hi\n");
    const file = daemon.folder.join("image.tar");
    await daemon.printed("save", "-o", file, name);
    await daemon.printed("rmi", name);
    await daemon.printed("load", "-i", file);
    assert.equal(await daemon.printed("run", "--rm", "--pull", "never", name, "echo", "again"), "again\n");
    const found = await daemon.ctr(["content", "get", sbom.digest]);
    assert.equal(found.stdout, '{"sbom": true}');
  });

  it("are artifacts, which a list shows, and nobody runs", async () => {
    const text = await pushBlob("artifact", "text/plain", "hello");
    const config = await pushBlob("artifact", "application/vnd.example.config", "a: b\n");
    const name = await pushManifest("artifact", { schemaVersion: 2, config, layers: [text] });
    await daemon.printed("pull", "-q", name);
    assert.match(await daemon.printed("images"), /\/artifact\s/);
    const { code, stderr } = await daemon.slipway(["run", "--rm", name, "true"]);
    assert.equal(code, 125);
    assert.match(
      stderr,
      /Cannot read image configuration sha256:[0-9a-f]+: it is not JSON: it begins with "a: b/,
    );
  });

  it("have a configuration that cannot be read, which the list says", async () => {
    const config = await pushBlob("broken", mediaTypes.ociConfig, '{"rootfs": 7}');
    const name = await pushManifest("broken", { schemaVersion: 2, config, layers: null });
    await daemon.printed("pull", "-q", name);
    const { code, stdout, stderr } = await daemon.slipway(["images"]);
    assert.equal(code, 0);
    assert.match(stdout, /\/broken\s.*unknown/);
    assert.match(
      stderr,
      /image ".*\/broken:1": Cannot read image configuration .*: "rootfs" is 7, not an object/,
    );
  });
});
