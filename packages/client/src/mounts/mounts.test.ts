import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseMountInfo } from "@slipway/linux/mountinfo";
import type { ImageConfig } from "@slipway/oci/image";
import { arrangeMounts } from "./arrange-mounts.ts";
import { imageVolumes } from "./image-volumes.ts";
import { resolveInside } from "./inside-rootfs.ts";
import type { MountRequest } from "./mount-request.ts";
import { requirePropagation } from "./source-propagation.ts";

function at(target: string): MountRequest {
  return { type: "plain", target, mount: { destination: target } };
}

describe("arrangeMounts", () => {
  const resolve = (target: string): string => target.replace(/^\/link/, "/deep/er");
  const targets = (requested: string[], given: string[] = []): string[] =>
    arrangeMounts({ requested: requested.map(at), given: given.map(at), resolve }).map(
      ({ target }) => target,
    );

  it("has a parent before what is below it, also by way of a symlink, and else keeps the order", () => {
    assert.deepEqual(targets(["/a/b/c", "/z", "/a/b", "/y", "/a"]), ["/z", "/y", "/a", "/a/b", "/a/b/c"]);
    assert.deepEqual(targets(["/link", "/deep"]), ["/deep", "/link"]);
    assert.deepEqual(targets(["/a/b"], ["/a"]), ["/a", "/a/b"]);
  });

  it("has a request in the place of what is given, and the first of what is given", () => {
    assert.deepEqual(targets(["/link"], ["/deep/er", "/x", "/x"]), ["/x", "/link"]);
  });

  it("refuses two requests at one place, and the root by way of a symlink", () => {
    assert.throws(() => targets(["/deep/er/x", "/link/x"]), {
      message: /"\/link\/x": "\/deep\/er\/x" is the same place/,
    });
    const toRoot = { requested: [at("/up")], given: [], resolve: () => "/" };
    assert.throws(() => arrangeMounts(toRoot), { code: "invalid_argument", message: /root directory/ });
  });
});

describe("imageVolumes", () => {
  it("cleans paths, and takes a relative one from the root", () => {
    const config = { Volumes: { "/a/": {}, "/a": {}, data: {}, "/b/../c": {} } };
    const image: ImageConfig = {
      os: "linux",
      architecture: "amd64",
      config,
      rootfs: { type: "layers", diff_ids: [] },
    };
    assert.deepEqual(
      imageVolumes(image).map(({ target }) => target),
      ["/a", "/data", "/c"],
    );
    assert.deepEqual(imageVolumes(undefined), []);
    const root = { ...image, config: { Volumes: { "/": {} } } };
    assert.throws(() => imageVolumes(root), { code: "invalid_argument" });
  });
});

describe("resolveInside", () => {
  it("follows symlinks as the container would, and never out of the root", () => {
    const root = mkdtempSync(join(tmpdir(), "slipway-inside-"));
    mkdirSync(join(root, "var"));
    mkdirSync(join(root, "run/x"), { recursive: true });
    symlinkSync("/run", join(root, "var/run"));
    symlinkSync("../../../../etc", join(root, "var/out"));
    symlinkSync("loop", join(root, "loop"));
    symlinkSync("/", join(root, "top"));
    symlinkSync("/srv/new", join(root, "dangling"));
    symlinkSync("../../dangling/deep", join(root, "var/chain"));
    symlinkSync("right/x", join(root, "left"));
    symlinkSync("left/x", join(root, "right"));
    const cases = {
      "/var/run/x": "/run/x",
      "/var/run/new/deep": "/run/new/deep",
      "/var/out/passwd": "/etc/passwd",
      "/dangling": "/srv/new",
      "/dangling/../a": "/srv/a",
      "/var/chain/x": "/srv/new/deep/x",
      "/var/chain/../../..": "/",
      "/loop/a": "/loop/a",
      "/top": "/",
      "/top/var": "/var",
      "/nothing": "/nothing",
    };
    for (const [path, wanted] of Object.entries(cases)) assert.equal(resolveInside(root, path), wanted, path);
    // Neither leads anywhere; it must come to an end.
    assert.match(resolveInside(root, "/left"), /^\/(left|right)(\/x)+$/);
    rmSync(root, { recursive: true });
  });
});

describe("requirePropagation", () => {
  const mounts = parseMountInfo(
    [
      "1 0 0:1 / / rw - ext4 a rw",
      "2 1 0:2 / /tmp rw shared:5 - tmpfs b rw",
      "3 1 0:3 / /usr rw master:7 - tmpfs c rw",
    ].join("\n"),
  );
  const check = (source: string, option: string) => (): void =>
    requirePropagation(source, ["rbind", option], () => mounts);

  it("asks for a shared source, or for slave a slave", () => {
    check("/tmp", "rshared")();
    check("/tmp", "slave")();
    check("/usr", "rslave")();
    check("/", "rprivate")();
    assert.throws(check("/", "shared"), { code: "failed_precondition", message: /"\/", which it is on/ });
    assert.throws(check("/usr", "rshared"), { code: "failed_precondition" });
    assert.throws(check("/", "slave"), { code: "failed_precondition" });
  });
});
