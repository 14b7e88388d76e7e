import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { TestDaemon } from "../support/daemon.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output, type Result, run } from "../support/run.ts";

// A later Debian's, which asks the daemon to do what Debian's own does by itself; scripts/test.sh fetches it.
const ctr = join(import.meta.dirname, "../../.tools/bin/ctr");

describe("ctr of containerd 2, by the Transfer service", { skip: !existsSync(ctr) && "no such ctr" }, () => {
  let daemon: TestDaemon;
  let registry: TestRegistry;
  let image: string;

  before(async () => {
    registry = await TestRegistry.start();
    image = await pushBusybox(registry.host);
    daemon = await TestDaemon.start("slipwayd");
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  const call = (...args: string[]): Promise<Result> => run(ctr, ["--address", daemon.address, ...args]);
  async function said(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await call(...args);
    assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
    return stdout;
  }
  const target = async (name: string, namespace = "default"): Promise<string | undefined> =>
    new RegExp(`^${name} .*(sha256:[0-9a-f]{64})`, "m").exec(
      await said("--namespace", namespace, "images", "ls"),
    )?.[1];

  it("pulls and unpacks", async () => {
    assert.match(await said("images", "pull", "--plain-http", image), /busybox:latest +\tsaved/);
    assert.match(await said("images", "check", `name==${image}`), /complete \(3\/3\).* true/);
    const [, ...snapshots] = (await said("snapshots", "ls")).trim().split("\n");
    assert.equal(snapshots.length, 2);
    const [child = "", parent = ""] =
      /^(sha256:\w+) +(sha256:\w+)/m.exec(snapshots.join("\n"))?.slice(1) ?? [];
    const labels = await labelsOf(child);
    assert.equal(labels["containerd.io/snapshot.ref"], child);
    assert.equal(labels["containerd.io/snapshot/parent-chain-id"], parent);
    assert.notEqual(labels["containerd.io/snapshot/diff-id"], child);
    // The chain of one layer is the layer.
    assert.deepEqual(await labelsOf(parent), {
      "containerd.io/snapshot.ref": parent,
      "containerd.io/snapshot/diff-id": parent,
    });
  });

  async function labelsOf(snapshot: string): Promise<Readonly<Record<string, string>>> {
    const { Labels: labels } = JSON.parse(await said("snapshots", "info", snapshot)) as {
      readonly Labels: Record<string, string>;
    };
    return labels;
  }

  it("asks for nothing when there is no such snapshotter", async () => {
    const args = ["--namespace", "nowhere", "images", "pull", "--plain-http", "--snapshotter", "zfs"];
    const { code, stderr } = await call(...args, image);
    assert.notEqual(code, 0);
    assert.match(stderr, /snapshotter not loaded: zfs/);
    assert.doesNotMatch(await said("--namespace", "nowhere", "content", "ls"), /sha256/);
  });

  it("tags and pushes, and skopeo reads what it pushed", async () => {
    const copy = `${registry.host}/copy:v1`;
    await said("images", "tag", image, copy);
    assert.match(
      await said("images", "push", "--plain-http", copy),
      /manifest .*complete[^]*pushed content|pushed content[^]*manifest .*complete/,
    );
    const inspect = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${copy}`];
    assert.equal((await output("skopeo", inspect)).trim(), await target(image));
  });

  it("exports and imports", async () => {
    const file = daemon.folder.join("image.tar");
    await said("images", "export", file, image);
    await output("skopeo", ["inspect", `oci-archive:${file}`]);
    await said("--namespace", "imported", "images", "import", file);
    assert.equal(await target(image, "imported"), await target(image));
    assert.match(await said("--namespace", "imported", "images", "check"), /complete \(3\/3\).* true/);
  });

  it("counts, mounts, converts and inspects what is there", async () => {
    assert.match(await said("images", "usage", "--snapshotter", "overlayfs", image), /\d/);
    const folder = daemon.folder.join("mounted");
    mkdirSync(folder);
    await said("images", "mount", image, folder);
    assert.ok(existsSync(`${folder}/bin/busybox`));
    await said("images", "unmount", "--rm", folder);
    assert.deepEqual(readdirSync(folder), []);
    const plain = `${registry.host}/plain:v1`;
    await said("images", "convert", "--uncompress", "--oci", image, plain);
    assert.match(await said("images", "check", `name==${plain}`), /complete \(3\/3\)/);
    assert.match(await said("images", "inspect", image), /layer.*sha256:[0-9a-f]{64}/);
    await said("images", "rm", "--sync", plain);
  });

  it("hears why something cannot be had", async () => {
    const missing = await call("images", "pull", "--plain-http", `${registry.host}/none:v1`);
    assert.notEqual(missing.code, 0);
    assert.match(missing.stderr, /none:v1: not found/);
  });
});
