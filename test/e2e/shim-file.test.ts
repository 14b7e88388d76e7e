import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { programs, TestDaemon } from "../support/daemon.ts";
import { makeRootfs } from "../support/images.ts";

const root = join(import.meta.dirname, "../..");
const NAME = "containerd-shim-slipway-v1";
const waysToPlace = { copied: copyFileSync, "hard-linked": linkSync, "linked to": symlinkSync };

/* containerd's clients may name a shim by its path, and containerd's own tests copy it: it is one file. */
for (const program of programs) {
  describe(`the shim of a built tree, under ${program}`, () => {
    let daemon: TestDaemon;
    let rootfs: string;
    let built: string;
    before(async () => {
      daemon = await TestDaemon.start(program);
      rootfs = makeRootfs(daemon.folder.join("rootfs"));
      built = daemon.folder.join("dist");
      execFileSync(process.execPath, [join(root, "scripts/build.ts"), built]);
    });
    after(async () => await daemon[Symbol.asyncDispose]());

    const runWith = async (shim: string, id: string) => {
      const args = ["run", "--rm", "--runtime", shim, "--rootfs", "--env", "PATH=/bin"];
      return await daemon.ctr([...args, rootfs, id, "/bin/sh", "-c", "echo out; exit 7"]);
    };

    for (const [how, place] of Object.entries(waysToPlace)) {
      it(`runs containers when it is ${how}`, async () => {
        const folder = daemon.folder.join(how.replace(" ", "-"));
        mkdirSync(folder);
        const shim = join(folder, NAME);
        place(join(built, NAME), shim);
        assert.match(execFileSync(shim, ["-version"], { encoding: "utf8" }), /Version:/);
        const { code, stdout, stderr } = await runWith(shim, how.replace(" ", "-"));
        assert.deepEqual([code, stdout], [7, "out\n"], stderr);
      });
    }

    it("is there without a build as well", async () => {
      const { code, stderr } = await runWith(join(root, "bin", NAME), "source");
      assert.equal(code, 7, stderr);
    });

    const isOurs = program === "slipwayd";
    it("may be copied without a build, by who uses our daemon", { skip: !isOurs }, async () => {
      const shim = daemon.folder.join(NAME);
      copyFileSync(join(root, "bin", NAME), shim);
      const { code, stderr } = await runWith(shim, "copied-source");
      assert.equal(code, 7, stderr);
    });
  });
}
