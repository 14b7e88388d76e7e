import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { imageStore, registry as registryEnd } from "@slipway/client/transfer-ends";
import { hasCode } from "@slipway/fault/fault";
import { readImage } from "@slipway/images/image-config";
import { missingLayers } from "@slipway/images/discarded-layers";
import { hostPlatform } from "@slipway/oci/platform";
import { programs, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { makeImage, makeRootfs, pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";

const advice = /pull the image again without --discard-blobs, or .*slipway image convert/;

/** The layers of an image whose blobs are not in the daemon's store, once it has collected what nobody holds. */
async function missingOf(client: Client, name: string): Promise<string[]> {
  const { id } = await client.leases.create({});
  await client.leases.delete(id, { sync: true });
  const { manifest } = await readImage(client.content, (await client.images.get(name)).target);
  return (await missingLayers(client.content, manifest.layers)).map(({ digest }) => digest);
}

describe("an image without its layers' blobs", () => {
  const folder = new TestFolder("discarded");
  let registry: TestRegistry;
  let other: TestRegistry;
  let image: string;
  let daemon: TestDaemon;
  let client: Client;

  before(async () => {
    [registry, other] = [await TestRegistry.start(), await TestRegistry.start()];
    image = await pushBusybox(registry.host);
    daemon = await TestDaemon.start("slipwayd");
    client = connect({ address: daemon.address });
  });
  after(async () => {
    await client[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const slipway = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await daemon.slipway(args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const refused = async (message: RegExp, ...args: string[]): Promise<void> => {
    const { code, stderr } = await daemon.slipway(args);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  };

  it("is unpacked, says what it is, and survives the daemon", async () => {
    await slipway("pull", "-q", "--discard-blobs", image);
    assert.equal((await missingOf(client, image)).length, 2);
    assert.equal((await client.images.get(image)).labels["slipway/layer-blobs"], "discarded");
    await daemon.stop("SIGKILL");
    await daemon.start();
    assert.equal(await slipway("image", "verify", image), `${image}: ok\n`);
    const { stdout } = await daemon.ctr(["images", "check", `name==${image}`]);
    assert.match(stdout, /incomplete \(1\/3\)/);
  });

  it("is pushed where its blobs are already, with the same digests", async () => {
    const copy = `${registry.host}/other/copy:1`;
    await slipway("tag", image, copy);
    assert.match(await slipway("push", copy), /Mounted/);
    const { target } = await client.images.get(image);
    const inspect = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${copy}`];
    assert.equal((await output("skopeo", inspect)).trim(), target.digest);
    assert.match(await slipway("push", image), /Layer already exists/);
  });

  it("is refused elsewhere, with what can be done, and nothing half is left there", async () => {
    const away = `${other.host}/app:1`;
    await slipway("tag", image, away);
    await refused(advice, "push", away);
    await assert.rejects(output("skopeo", ["inspect", "--tls-verify=false", `docker://${away}`]));
    const transferred = client.transfer.transfer(imageStore(away), registryEnd(away));
    await assert.rejects(transferred, (error) => hasCode(error, "failed_precondition"));
    await refused(advice, "save", "-o", folder.join("image.tar"), image);
  });

  it("gets blobs again from its layers, with new digests or none", async () => {
    const made = `${other.host}/app:gzip`;
    await slipway("image", "convert", "--gzip", image, made);
    assert.deepEqual(await missingOf(client, made), []);
    assert.equal((await client.images.get(made)).labels["slipway/layer-blobs"], undefined);
    await slipway("push", made);
    const [before, after] = await Promise.all(
      [image, made].map(
        async (name) => await readImage(client.content, (await client.images.get(name)).target),
      ),
    );
    assert.deepEqual(after?.config, before?.config);
    await using fresh = await TestDaemon.start(programs.at(-1) ?? "slipwayd");
    const pulled = await fresh.ctr(["images", "pull", "--plain-http", made]);
    assert.equal(pulled.code, 0, pulled.stderr);

    const plain = `${other.host}/app:plain`;
    await slipway("image", "convert", "--uncompress", image, plain);
    const { manifest, config } = await readImage(client.content, (await client.images.get(plain)).target);
    assert.deepEqual(
      manifest.layers.map(({ digest }) => digest),
      config.rootfs.diff_ids,
    );
    await slipway("save", "-o", folder.join("image.tar"), plain);
    await output("skopeo", ["inspect", `oci-archive:${folder.join("image.tar")}`]);
  });

  it("has them again when it is pulled to be kept", async () => {
    await slipway("pull", "-q", image);
    assert.deepEqual(await missingOf(client, image), []);
    assert.equal((await client.images.get(image)).labels["slipway/layer-blobs"], undefined);
    await slipway("save", "-o", folder.join("again.tar"), image);
  });

  it("does not take from another image a layer that both have", async () => {
    const [base, top] = [folder.join("base"), folder.join("top")];
    makeRootfs(base);
    mkdirSync(top);
    writeFileSync(`${top}/file`, "1");
    const archive = { layers: [base] };
    await makeImage(`docker://${registry.host}/below:1`, archive);
    await output("skopeo", [
      "copy",
      "--insecure-policy",
      "--src-tls-verify=false",
      `docker://${registry.host}/below:1`,
      `oci:${folder.join("layout")}:image`,
    ]);
    await output("tar", ["-C", top, "-cf", folder.join("top.tar"), "."]);
    const both = `${folder.join("layout")}:image`;
    await output("umoci", ["raw", "add-layer", "--image", both, folder.join("top.tar")]);
    const destination = `docker://${registry.host}/above:1`;
    await output("skopeo", [
      "copy",
      "--insecure-policy",
      "--dest-tls-verify=false",
      `oci:${both}`,
      destination,
    ]);
    const [below, above] = [`${registry.host}/below:1`, `${registry.host}/above:1`];
    await slipway("pull", "-q", "--discard-blobs", below);
    assert.equal((await missingOf(client, below)).length, 1);
    await slipway("pull", "-q", above);
    assert.deepEqual(await missingOf(client, above), []);
  });

  it("must be unpacked", async () => {
    await refused(/not unpacked/, "pull", "--discard-blobs", "--unpack", "false", image);
  });

  it("is what the configuration says of all images, and what a foreign daemon can have", async () => {
    const config = '[plugins."io.containerd.transfer.v1.local"]\n  discard_unpacked_layers = true\n';
    await using sparing = await TestDaemon.start("slipwayd", { config });
    await using own = connect({ address: sparing.address });
    const unpacks = [{ platform: hostPlatform(), snapshotter: "" }];
    await own.transfer.transfer(registryEnd(image), imageStore(image, { unpacks }));
    assert.equal((await missingOf(own, image)).length, 2);
    assert.equal((await own.images.get(image)).labels["slipway/layer-blobs"], "discarded");

    await using foreign = await TestDaemon.start(programs.at(-1) ?? "slipwayd");
    await using theirs = connect({ address: foreign.address });
    const { code, stderr } = await foreign.slipway(["pull", "-q", "--discard-blobs", image]);
    assert.equal(code, 0, stderr);
    assert.equal((await missingOf(theirs, image)).length, 2);
  });
});
