import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { programs, TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";

for (const program of programs) {
  describe(`an image of layers that another one brought in another compression, with ${program}`, () => {
    let daemon: TestDaemon;
    let registry: TestRegistry;
    let names: readonly [string, string];

    before(async () => {
      [daemon, registry] = await Promise.all([TestDaemon.start(program), TestRegistry.start()]);
      const gzip = await pushBusybox(registry.host);
      const zstd = `${registry.host}/busybox:zstd`;
      // Another namespace knows nothing of what is pulled below.
      await daemon.printed("-n", "other", "pull", "-q", gzip);
      await daemon.printed("-n", "other", "image", "convert", "--zstd", gzip, zstd);
      await daemon.printed("-n", "other", "push", "-q", zstd);
      names = [gzip, zstd];
    });
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });

    it("has its own blobs, for all that needs them", async () => {
      const digests: string[] = [];
      for (const name of names) {
        await daemon.printed("pull", "-q", name);
        const native = await daemon.printed("image", "inspect", "--mode", "native", name);
        const [{ Manifest }] = JSON.parse(native) as [{ Manifest: { layers: { digest: string }[] } }];
        digests.push(...Manifest.layers.map(({ digest }) => digest));
      }
      assert.equal(new Set(digests).size, 4);
      for (const name of names) {
        const check = await daemon.ctr(["images", "check", `name==${name}`]);
        assert.match(check.stdout, / complete \(3\/3\)/);
        const file = daemon.folder.join("image.tar");
        assert.equal((await daemon.ctr(["images", "export", file, name])).code, 0);
        await daemon.printed("save", "-o", file, name);
        assert.equal(await daemon.printed("run", "--rm", "--pull", "never", name, "echo", "on"), "on\n");
      }
    });
  });
}
