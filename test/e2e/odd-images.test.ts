import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parseImageConfig } from "@slipway/oci/documents/image-config";
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

  it("name no platform, or another than this machine's, and are run as Docker runs them", async () => {
    const image = await pushBusybox(registry.host);
    const [, repository = ""] = /\/(.*):/.exec(image) ?? [];
    const accept = `${mediaTypes.ociManifest}, ${mediaTypes.dockerManifest}`;
    const get = async (path: string): Promise<Uint8Array> => {
      const answer = await fetch(`http://${registry.host}/v2/${repository}/${path}`, { headers: { accept } });
      return new Uint8Array(await answer.arrayBuffer());
    };
    const manifest = parseManifest("manifest", await get("manifests/latest"));
    const { rootfs } = parseImageConfig("config", await get(`blobs/${manifest.config.digest}`));
    for (const platform of [
      {},
      { os: "", architecture: "" },
      { os: "linux" },
      { os: "linux", architecture: "amd64", variant: "v3" },
      { os: "linux", architecture: "riscv64" },
    ]) {
      const document = JSON.stringify({ ...platform, config: { Cmd: ["echo", "hi"] }, rootfs });
      const config = await pushBlob(repository, mediaTypes.ociConfig, document);
      const name = await pushManifest(repository, {
        ...manifest,
        mediaType: mediaTypes.ociManifest,
        config,
      });
      const pulled = await daemon.printed("run", "--rm", "-q", "--pull", "always", name);
      assert.equal(pulled, "hi\n", document);
      assert.equal(await daemon.printed("run", "--rm", name), "hi\n", document);
      // The layers would be unpacked already for the next one.
      await daemon.printed("image", "prune", "-a", "-f");
    }
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
      /Cannot read image configuration sha256:[0-9a-f]+ of ".*\/artifact:1": it is not JSON: it begins with "a: b/,
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
    for (const command of ["history", "inspect", "run"]) {
      const said = await daemon.slipway([command, name]);
      assert.ok(
        said.stderr.includes(`Cannot read image configuration ${config.digest} of "${name}": "rootfs"`),
      );
    }
    const verified = await daemon.slipway(["image", "verify"]);
    assert.equal(verified.code, 1);
    assert.match(
      verified.stdout,
      new RegExp(
        `/broken:1: damaged\n {2}blob ${config.digest}: Cannot read .*"rootfs" is 7, not an object\n`,
      ),
    );
    assert.match(verified.stdout, /\/artifact:1: ok\n/);
  });

  it("are chosen by their configuration's labels and their record's, and by what they are made from", async () => {
    const base = await pushBusybox(registry.host);
    await daemon.printed("pull", "-q", base);
    const made = `${registry.host}/made:1`;
    await daemon.printed("create", "--name", "source", base, "true");
    await daemon.printed("start", "-a", "source");
    const refused = await daemon.slipway(["commit", "-c", "ENV A=1", "source", made]);
    const why = "there are CMD, ENTRYPOINT, USER and WORKDIR";
    assert.deepEqual(
      [refused.code, refused.stdout, refused.stderr],
      [1, "", `slipway: Cannot use change "ENV A=1": ${why}\n`],
    );
    await daemon.printed("commit", "source", made);
    const config = await pushBlob(
      "labelled",
      mediaTypes.ociConfig,
      JSON.stringify({ os: "linux", architecture: "amd64", config: { Labels: { tier: "web" } } }),
    );
    const labelled = await pushManifest("labelled", { schemaVersion: 2, config, layers: [] });
    await daemon.printed("pull", "-q", labelled);
    await daemon.ctr(["images", "label", made, "tier=db"]);
    const chosen = async (filter: string): Promise<string> =>
      await daemon.printed("images", "--format", "{{.Name}}", "-f", filter);
    assert.equal(await chosen("label=tier=web"), `${labelled}\n`);
    assert.equal(await chosen("label=tier=db"), `${made}\n`);
    assert.equal(await chosen("label=tier"), `${labelled}\n${made}\n`);
    assert.equal(await chosen("label=tier=none"), "");
    await daemon.printed("create", "--name", "child", made, "true");
    const id = (await daemon.printed("images", "--no-trunc", "-q", base)).trim();
    const names = async (ancestor: string): Promise<string> =>
      await daemon.printed("ps", "-a", "--format", "{{.Names}}", "-f", `ancestor=${ancestor}`);
    for (const text of [base, id, id.slice("sha256:".length, 20)]) {
      assert.equal(await names(text), "child\nsource\n", text);
    }
    assert.equal(await names(made), "child\n");
    assert.equal(await names("none"), "");
    await daemon.printed("rm", "child", "source");
  });
});
