import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { listTree, makeTree, shell } from "@slipway/layers/testing/trees";
import { TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { makeImage } from "../support/images.ts";
import { output } from "../support/run.ts";
import { TestRegistry } from "../support/registry.ts";

let folder: TestFolder;
let registry: TestRegistry;
let image: string;
before(async () => {
  folder = new TestFolder("layers");
  registry = await TestRegistry.start();
  image = `${registry.host}/layers:latest`;
  const base = makeTree(folder.join("base"));
  const next = folder.join("next");
  mkdirSync(next);
  shell(
    "mkdir -p a/b sticky; echo changed > a/file; touch a/.wh.random .wh.empty a/b/.wh..wh..opq a/b/new; mkdir hard; echo x > hard/x",
    next,
  );
  const last = folder.join("last");
  mkdirSync(last);
  shell(
    "mkdir -p a usr/bin; touch .wh.hard; echo back > a/random; cp /bin/busybox usr/bin/ping; setcap cap_net_raw+ep usr/bin/ping",
    last,
  );
  await makeImage(`docker://${image}`, { layers: [base, next, last] });
});
after(async () => {
  await registry[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Pulls the image with ctr and gives what is mounted for it. */
async function pull(daemon: TestDaemon, snapshotter: string): Promise<string> {
  const pulled = await daemon.ctr(["images", "pull", "--plain-http", "--snapshotter", snapshotter, image]);
  assert.equal(pulled.code, 0, pulled.stderr);
  const target = daemon.folder.join(`mounted-${snapshotter}`);
  mkdirSync(target);
  const mounted = await daemon.ctr(["images", "mount", "--snapshotter", snapshotter, image, target]);
  assert.equal(mounted.code, 0, mounted.stderr);
  return target;
}

describe("an image that ctr pulls", () => {
  for (const snapshotter of ["overlayfs", "native"]) {
    it(`has the tree that containerd unpacks, with ${snapshotter}`, async () => {
      await using ours = await TestDaemon.start("slipwayd");
      await using theirs = await TestDaemon.start("containerd");
      const [ourTree, theirTree] = [await pull(ours, snapshotter), await pull(theirs, snapshotter)];
      assert.equal(readFileSync(join(ourTree, "a/random"), "utf8"), "back\n");
      assert.deepEqual(listTree(ourTree), listTree(theirTree));
    });
  }
});

describe("an image that umoci unpacks", () => {
  it("has the tree that ctr pulls", async () => {
    const layout = folder.join("layout");
    await output("skopeo", [
      "copy",
      "--insecure-policy",
      "--src-tls-verify=false",
      `docker://${image}`,
      `oci:${layout}:image`,
    ]);
    await output("umoci", ["unpack", "--image", `${layout}:image`, folder.join("bundle")]);
    await using ours = await TestDaemon.start("slipwayd");
    assert.deepEqual(listTree(await pull(ours, "overlayfs")), listTree(folder.join("bundle/rootfs")));
  });
});

describe("ctr snapshots diff", () => {
  const change = `
    mkdir -p new/deep "$(printf 'l%.0s' $(seq 120))/$(printf 'm%.0s' $(seq 90))"
    echo 1 > new/deep/file; ln new/deep/file new/hard; ln a/random new/hard-to-old
    ln -s "$(printf 'z%.0s' $(seq 150))" new/link; mkfifo new/fifo; mknod new/null c 1 3
    echo n > "$(printf 'new/not-utf8-\\377')"; echo n > new/ütf; for d in l*/m*; do echo 1 > $d/file; done
    cp /bin/busybox new/ping; setcap cap_net_raw+ep new/ping; chmod 700 a/b; chown 3000000:1 a/sparse
    touch -d 1999-01-01 zero; find new l* a/b a/sparse a zero -exec touch -hd '2020-02-02 02:02:02.5' {} +`;
  const remove = `rm -r a/b sticky setuid; rm a/link; mkdir a/link; touch a/link/x; rm -r new; echo file > new; find a new -exec touch -hd '2020-02-02 02:02:02' {} +`;

  /** What ctr prints for a snapshot that had the scripts run in it. */
  async function diffs(daemon: TestDaemon, ...scripts: readonly string[]): Promise<Buffer[]> {
    await pull(daemon, "overlayfs");
    const tree = daemon.folder.join("tree");
    mkdirSync(tree);
    const chain = shell(
      `ctr -a ${daemon.address} snapshots ls | awk '$3 == "Committed" { seen[$2] = 1; name[$1] = 1 } END { for (n in name) if (!(n in seen)) print n }'`,
      "/",
    );
    shell(`ctr -a ${daemon.address} snapshots prepare key ${chain.toString().trim()}`, "/");
    return scripts.map((script) => {
      shell(`eval "$(ctr -a ${daemon.address} snapshots mounts ${tree} key)"`, "/");
      try {
        shell(script, tree);
      } finally {
        shell(`umount ${tree}`, "/");
      }
      return shell(
        `ctr -a ${daemon.address} snapshots diff --media-type application/vnd.oci.image.layer.v1.tar key`,
        "/",
      );
    });
  }

  it("gives the bytes that containerd gives", async () => {
    await using ours = await TestDaemon.start("slipwayd");
    await using theirs = await TestDaemon.start("containerd");
    const [ourTars, theirTars] = [await diffs(ours, change, remove), await diffs(theirs, change, remove)];
    assert.deepEqual(contents(ourTars[0]), contents(theirTars[0]));
    assert.ok(ourTars[0]?.equals(theirTars[0] ?? Buffer.alloc(0)), "the same bytes");
    assert.deepEqual(contents(ourTars[1]), contents(theirTars[1]));
  });

  /** What tar lists. containerd 1.6 gives whiteouts the current time, later ones 1970. */
  function contents(tar: Buffer | undefined): string[] {
    const listing = execFileSync("tar", ["-tv", "--numeric-owner", "--full-time"], { input: tar ?? "" });
    return listing
      .toString("latin1")
      .split("\n")
      .map((line) => line.replace(/ \S+ \S+( \S*\.wh\.)/, "$1"));
  }
});
