import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect } from "@slipway/client/connect";
import type { Mount } from "@slipway/core/mounts/mount";
import { leased } from "@slipway/client/leased";
import { readImage } from "@slipway/images/image-config";
import { listTree, makeTree, shell } from "@slipway/layers/testing/trees";
import { chainIds } from "@slipway/oci/chain-id";
import { TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { type ImageParts, makeImage } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";

/*
 * Trees of images as slipwayd unpacks them, to layer images and to directories, with layers in order and with the last
 * one first, beside containerd's and umoci's: mode, ids, times, attributes, links and content are the same.
 */

let folder: TestFolder;
let registry: TestRegistry;
let theirs: TestDaemon;
const ours = new Map<string, TestDaemon>();
const formats = ["erofs", "directory"];

before(async () => {
  folder = new TestFolder("trees");
  registry = await TestRegistry.start();
  theirs = await TestDaemon.start("containerd");
  for (const format of formats) {
    const config = `[plugins."io.containerd.snapshotter.v1.overlayfs"]\nlayer_format = "${format}"`;
    ours.set(format, await TestDaemon.start("slipwayd", { config }));
  }
});
after(async () => {
  for (const daemon of [...ours.values(), theirs]) await daemon[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** A folder with what a script puts there. */
function made(name: string, script: string): string {
  const path = folder.join(name);
  mkdirSync(path);
  shell(script, path);
  return path;
}

/** The files of installed packages, without the links that stand for merged directories. */
const files = (packages: string): string =>
  `dpkg-query -L ${packages} | sed -E 's,^/(bin|sbin|lib|lib64)(/|$),/usr/\\1\\2,' | sort -u | grep -v '^/.$' |
   while read -r f; do [ ! -e "$f" ] || echo ".$f"; done |
   tar -C / --no-recursion --xattrs --xattrs-include='*' -T - -cf - | tar --xattrs --xattrs-include='*' -xf -`;

/** Of layers that have files and not the directories that they are in, whose attributes stay. */
const withoutDirectories = "without directories";

/** Images by name, as what makes their layers. */
const images: Readonly<Record<string, () => ImageParts>> = {
  "dash and find": () => ({
    layers: [
      made("dash", files("dash libc-bin findutils")),
      made("dash-2", "mkdir -p usr/share/doc; touch usr/share/doc/.wh.findutils usr/.wh.sbin"),
    ],
  }),
  perl: () => ({
    layers: [
      made("perl", `${files("perl-base")}; rm -rf usr/lib/*/perl-base/unicore/lib`),
      made("perl-2", "mkdir -p usr/lib; touch usr/lib/.wh..wh..opq; ln -s perl usr/lib/other"),
    ],
  }),
  // Programs with setuid and setgid, of groups of their own.
  login: () => ({
    layers: [
      made("login", files("login passwd mount")),
      made("login-2", "mkdir -p usr/bin; cp -p /usr/bin/passwd usr/bin; chmod 755 usr/bin/passwd"),
      made("login-3", "mkdir -p usr/bin; touch usr/bin/.wh.passwd; touch usr/bin/.wh.su"),
    ],
  }),
  packages: () => ({
    layers: [
      made("packages", files("base-files base-passwd tar gzip")),
      made("packages-2", files("grep sed")),
      made("packages-3", `${files("debconf")}; rm -rf usr/share/doc; touch usr/share/.wh.doc`),
    ],
  }),
  modules: () => ({
    layers: [
      made("modules", `cp -a ${join(import.meta.dirname, "../../node_modules/typescript")} .`),
      made("modules-2", `cp -a ${join(import.meta.dirname, "../../node_modules/commander")} typescript`),
    ],
    tar: ["--format=ustar"],
  }),
  [withoutDirectories]: () => {
    const script = `for f in tmp/x etc/deep/y home/user/z new/a; do mkdir -p $(dirname $f); echo $f > $f; done
                    tar -cf ${folder.join("change.tar")} tmp/x etc/deep/y home/user/z new/a`;
    made("change", script);
    return {
      layers: [
        made(
          "directories",
          `mkdir -p tmp etc/deep home/user; chmod 1777 tmp; chmod 700 home/user; chown 1000:1000 home/user
           setfattr -n user.a -v b etc/deep; touch -d 2001-02-03 etc/deep tmp; touch -d 2002-02-03 etc home home/user`,
        ),
        folder.join("change.tar"),
      ],
    };
  },
  busybox: () => ({
    layers: [
      made(
        "busybox",
        `mkdir bin; cp /bin/busybox bin; chmod 4755 bin/busybox
         for applet in $(busybox --list | head -20) ls sh ping bash; do ln -f bin/busybox bin/$applet 2>/dev/null || :; done`,
      ),
      // A link to a link, and names that come and go.
      made(
        "busybox-2",
        "mkdir bin; cp /bin/busybox bin/sh; ln bin/sh bin/ash; touch bin/.wh.ping; mkdir bin/ls",
      ),
      made(
        "busybox-3",
        "mkdir bin; echo file > bin/ls; mkdir bin/ping; touch bin/ping/x; ln -s /bin/sh bin/bash",
      ),
    ],
    tar: ["--format=posix", "--xattrs", "--xattrs-include=*"],
  }),
};

/** Every odd thing that tar carries, in each of its dialects. */
const odd = `
  setfacl -m u:1000:rwx,g:70000:r a/b; setfacl -d -m u:3:rx sticky; setfacl -m u:5:r setuid
  for i in 1 2 3 4; do echo $i > shared$i; setfattr -n user.shared -v "a value that several files have" shared$i; done
  cp /bin/busybox capable; setcap cap_sys_admin,cap_net_raw+ep capable
  echo n > "$(printf 'n%.0s' $(seq 255))"; mkdir "$(printf 'd%.0s' $(seq 255))"
  touch -d '1969-12-31 23:00:00' before; touch -d '2200-01-01 00:00:00.123456789' later
  mknod many b 4095 1048575; mknod zero-like c 0 1`;
const changes = `
  mkdir -p a/b sticky; echo changed > a/file; touch a/.wh.random .wh.empty a/b/.wh..wh..opq a/b/new
  mkdir hard; echo x > hard/x; echo file > absolute; ln -s b a/hole; touch .wh.shared1; chmod 700 a`;
const oddImage =
  (name: string, ...tar: readonly string[]) =>
  (): ImageParts => {
    const tree = makeTree(folder.join(name));
    shell(odd, tree);
    // Dialects without long names and large numbers leave out what they cannot say.
    if (tar.includes("--format=ustar"))
      shell("rm -rf setuid d* n* a/hard-to-long x* dangling before later", tree);
    return {
      layers: [
        tree,
        made(`${name}-2`, changes),
        made(`${name}-3`, "touch .wh.hard; mkdir -p a; echo back > a/random"),
      ],
      tar,
    };
  };
const everything = ["--xattrs", "--xattrs-include=*", "--acls", "--sparse"];
const oddImages: Readonly<Record<string, () => ImageParts>> = {
  pax: oddImage("pax", "--format=posix", ...everything),
  // containerd does not read GNU's own way to write sparse files.
  gnu: oddImage("gnu", "--format=gnu"),
  ustar: oddImage("ustar", "--format=ustar"),
};

/** Everything about the tree that an image has when a snapshot is made of its layers. */
async function mountedTree(daemon: TestDaemon, name: string): Promise<string[]> {
  const target = daemon.folder.join("mounted");
  mkdirSync(target, { recursive: true });
  const { code, stderr } = await daemon.ctr(["images", "mount", name, target]);
  assert.equal(code, 0, stderr);
  try {
    return listTree(target);
  } finally {
    await daemon.ctr(["images", "unmount", "--rm", target]);
  }
}

async function pulledTree(daemon: TestDaemon, name: string): Promise<string[]> {
  const { code, stderr } = await daemon.ctr(["images", "pull", "--plain-http", name]);
  assert.equal(code, 0, stderr);
  const tree = await mountedTree(daemon, name);
  await daemon.ctr(["images", "rm", "--sync", name]);
  return tree;
}

/** How containerd's clients say that a layer without a parent, yet, is not to be a base. */
function asUpper({ source }: Mount): Mount {
  return { type: "overlay", source: "overlay", options: [`upperdir=${source}`] };
}

/** Unpacks the last layer first, each without a parent, and puts them upon each other afterwards. */
async function reversedTree(daemon: TestDaemon, name: string): Promise<string[]> {
  const { code, stderr } = await daemon.ctr(["content", "fetch", "--plain-http", name]);
  assert.equal(code, 0, stderr);
  await using connected = connect({ address: daemon.address, namespace: "default" });
  await using held = await leased(connected);
  const { client } = held;
  const { manifest, config } = await readImage(client.content, (await client.images.get(name)).target);
  const snapshots = client.snapshotter("overlayfs");
  const chain = chainIds(config.rootfs?.diff_ids ?? []);
  const keyOf = (chainId: string): string => `extract-1-x ${chainId}`;
  const layers = [...manifest.layers.entries()];
  for (const [index, layer] of layers.toReversed()) {
    const mounts = await snapshots.prepare(keyOf(chain[index] ?? ""), "");
    await client.differ.apply(layer, index === 0 ? mounts : mounts.map(asUpper));
  }
  for (const [index, chainId] of chain.entries())
    await snapshots.commit(chainId, keyOf(chainId), { parent: chain[index - 1] ?? "" });
  const tree = await mountedTree(daemon, name);
  for (const chainId of chain.toReversed()) await snapshots.remove(chainId);
  await daemon.ctr(["images", "rm", "--sync", name]);
  return tree;
}

async function umociTree(name: string): Promise<string[]> {
  using layout = new TestFolder("umoci");
  const source = ["--insecure-policy", "--src-tls-verify=false", `docker://${name}`];
  await output("skopeo", ["copy", ...source, `oci:${layout.join("layout")}:image`]);
  await output("umoci", ["unpack", "--image", `${layout.join("layout")}:image`, layout.join("bundle")]);
  return listTree(layout.join("bundle/rootfs"));
}

/** What umoci does as containerd does. */
function comparable(lines: readonly string[]): string[] {
  return (
    lines
      // containerd's times begin with 1970.
      .filter((line) => !line.startsWith("before "))
      // A file of a lower layer keeps its links in an overlay, whatever was removed above.
      .map((line) => line.replace(/( f \d+ \d+ \d+) \d+ /, "$1 "))
  );
}

/** Directories without their times. */
function timeless(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/( d \d+ \d+ \d+) [\d.]+$/, "$1"));
}

/** Compares lines in which order says nothing, and shows only those that differ. */
function assertSame(found: readonly string[], expected: readonly string[], what: string): void {
  const without = (lines: readonly string[], others: readonly string[]): string[] => {
    const known = new Set(others);
    return lines.filter((line) => !known.has(line));
  };
  assert.deepEqual(without(found, expected), without(expected, found), what);
  assert.equal(found.length, expected.length);
}

describe("the tree of an image", () => {
  for (const [title, parts] of Object.entries({ ...images, ...oddImages })) {
    it(`${title} is the one that containerd and umoci unpack`, async () => {
      const name = `${registry.host}/${title.replaceAll(" ", "-")}:latest`;
      await makeImage(`docker://${name}`, parts());
      // containerd gives directories that a layer leaves out the current time; ours stay as they are below.
      const seen = title === withoutDirectories ? timeless : Array.from<string>;
      const [expected, umoci, ...others] = await Promise.all([
        pulledTree(theirs, name).then(seen),
        umociTree(name).then(seen),
        ...[...ours].map(async ([format, daemon]) => ({
          format,
          inOrder: seen(await pulledTree(daemon, name)),
          reversed: seen(await reversedTree(daemon, name)),
        })),
      ]);
      for (const { format, inOrder, reversed } of others) {
        assertSame(inOrder, expected, format);
        assertSame(reversed, expected, `${format}, last layer first`);
      }
      assertSame(comparable(umoci), comparable(expected), "umoci");
    });
  }
});
