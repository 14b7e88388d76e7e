import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect } from "@slipway/client/connect";
import { findImage } from "@slipway/client/find-images";
import { runContainer } from "@slipway/client/run";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { programs, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";

/** Makes an index of an image. @returns the manifest's digest */
async function pushIndex(image: string, url: string): Promise<string> {
  const manifest = await output("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${image}`]);
  const digest = digestOf(manifest);
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const platform = { os: "linux", architecture };
  const entry = { mediaType: mediaTypes.ociManifest, digest, size: manifest.length, platform };
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] };
  const headers = { "content-type": mediaTypes.ociIndex };
  const answer = await fetch(url, { method: "PUT", headers, body: JSON.stringify(index) });
  assert.equal(answer.status, 201, await answer.text());
  return digest;
}

for (const program of programs) {
  describe(`an image's names with ${program}`, () => {
    let daemon: TestDaemon;
    let repository = "";
    let [several, digest, manifest, config] = ["", "", "", ""];

    before(async () => {
      daemon = await TestDaemon.start(program);
      // Without a registry, what is not found here fails from now on.
      await using registry = await TestRegistry.start();
      const image = await pushBusybox(registry.host);
      repository = `${registry.host}/several`;
      several = `${repository}:1`;
      const insecure = ["--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"];
      await output("skopeo", ["copy", ...insecure, `docker://${image}`, `docker://${repository}:one`]);
      const url = `http://${registry.host}/v2/several/manifests/1`;
      manifest = await pushIndex(image, url);
      await printed("pull", "-q", several);
      digest = (await printed("images", "--no-trunc", "-q")).trim();
      config = await idOf(several);
    });
    after(async () => await daemon[Symbol.asyncDispose]());

    const printed = (...args: readonly string[]): Promise<string> => daemon.printed(...args);
    const idOf = async (text: string): Promise<string> =>
      (await printed("image", "inspect", "-f", "{{.Id}}", text)).trim();
    const names = async (): Promise<string[]> =>
      (await daemon.ctr(["images", "ls", "-q"])).stdout.trim().split("\n").toSorted();
    const refused = async (message: RegExp, ...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await daemon.slipway(args);
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    };

    it("may have a digest, whatever the tag", async () => {
      await using client = connect({ address: daemon.address });
      for (const one of [digest, manifest, config]) {
        for (const text of [`${repository}@${one}`, `${several}@${one}`, `${repository}:none@${one}`]) {
          const { name, target } = await findImage(client, text);
          assert.deepEqual([name, target.digest], [several, one === digest ? digest : manifest]);
        }
      }
      assert.equal(await printed("run", "--rm", `${repository}:none@${digest}`, "echo", "on"), "on\n");
      assert.equal(await idOf(`${several}@${manifest}`), config);
      await refused(/no such image/, "image", "inspect", `${repository}-other@${digest}`);
      await refused(/no such image/, "image", "inspect", `${repository}@sha256:${"0".repeat(64)}`);
      await refused(/one platform of the index/, "rmi", `${repository}@${manifest}`);
    });

    it("may be an id, or the beginning of one", async () => {
      await using client = connect({ address: daemon.address });
      for (const one of [digest, manifest, config]) {
        for (const id of [one, one.slice(7), one.slice(7, 19)]) {
          assert.equal((await findImage(client, id)).name, several);
        }
      }
      await refused(/not found/, "run", "--rm", "0".repeat(64));
    });

    it("are those of Docker Hub in each of their forms", async () => {
      await using client = connect({ address: daemon.address });
      const forms = ["app", "library/app", "docker.io/app", "docker.io/library/app", "index.docker.io/app"];
      await printed("tag", several, "index.docker.io/app");
      assert.deepEqual(await names(), [several, "docker.io/library/app:latest"].toSorted());
      for (const form of forms) {
        assert.equal((await findImage(client, form)).name, "docker.io/library/app:latest");
      }
      const listed = ["images", "--format", "{{.Repository}}:{{.Tag}}", "docker.io/app"];
      assert.equal(await printed(...listed), "app:latest\n");
      await printed("rmi", "library/app");
      assert.deepEqual(await names(), [several]);
      await refused(/is not in lower case/, "tag", several, "APP");
      await refused(/are an id/, "tag", several, "a".repeat(64));
      await refused(/cannot be chosen/, "tag", several, `app@${digest}`);
    });

    it("may be odd ones that another client gave, and come before short forms", async () => {
      await using client = connect({ address: daemon.address });
      const { target } = await client.images.get(several);
      for (const odd of ["app", "docker.io/app:1", "odd.example/APP:1"]) {
        await client.images.create({ name: odd, target, labels: {} });
        assert.equal(await printed("images", "--format", "{{.Name}}", odd), `${odd}\n`);
        assert.match(await printed("rmi", odd), new RegExp(`^Untagged: ${odd}@`));
        assert.deepEqual(await names(), [several]);
      }
    });

    it("are understood by the client, too", async () => {
      await using client = connect({ address: daemon.address });
      assert.equal((await findImage(client, digest.slice(7, 20))).name, several);
      await using container = await runContainer(client, `${several}@${manifest}`, { args: ["true"] });
      assert.equal(container.id.length, 64);
    });
  });
}
