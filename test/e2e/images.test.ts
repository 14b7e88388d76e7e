import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { after, before, describe } from "node:test";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output } from "../support/run.ts";
import { SideBySide, withoutTimes, withSortedLabels } from "../support/side-by-side.ts";

describe("ctr images", () => {
  const both = new SideBySide("images");
  let registry: TestRegistry;
  let image: string;
  before(async () => {
    registry = await TestRegistry.start();
    image = await pushBusybox(registry.host);
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
  });

  both.it("pulls from a registry, and lists what it pulled", async (s) => {
    await s.ctr(`images pull --plain-http ${image}`, { normalize: lastState });
    await s.ctr("images ls");
    await s.ctr("images ls -q");
    await s.ctr(`images check`);
    await s.ctr(`images check name==${image}`);
    await s.ctr("content ls -q");
    await s.ctr("content ls", { normalize: (text) => withSortedLabels(withoutTimes(text)) });
    await s.ctr("snapshots ls");
    await s.ctr("leases ls");
  });

  both.it("refuses what is not there", async (s) => {
    await s.ctr(`images pull --plain-http ${registry.host}/none:latest`, { normalize: lastState });
    await s.ctr("images pull bad//reference", { normalize: lastState });
    await s.ctr("images rm none:latest");
    await s.ctr("images tag none:latest other:latest");
    await s.ctr("images label none:latest a=b");
    await s.ctr(`images export ${s.daemon.folder.join("none.tar")} none:latest`);
    await s.ctr("images ls name==");
  });

  both.it("tags, labels and removes", async (s) => {
    await s.ctr(`images tag ${image} example.com/copy:1`);
    await s.ctr(`images tag ${image} example.com/copy:1`);
    await s.ctr(`images tag --force ${image} example.com/copy:1`);
    await s.ctr("images label example.com/copy:1 a=b");
    await s.ctr("images ls");
    await s.ctr("images ls labels.a==b");
    await s.ctr("images rm --sync example.com/copy:1");
    await s.ctr("images ls -q");
  });

  both.it("mounts and unmounts", async (s) => {
    const target = s.daemon.folder.join("mounted");
    await output("mkdir", [target]);
    await s.ctrArgs(["images", "mount", image, target]);
    s.note(readdirSync(target).join("\n"));
    assert.ok(statSync(`${target}/bin/busybox`).size > 100_000);
    await s.ctrArgs(["images", "unmount", "--rm", target]);
    assert.deepEqual(readdirSync(target), []);
  });

  both.it("exports and imports, with the same bytes", async (s) => {
    const tar = s.daemon.folder.join("image.tar");
    await s.ctrArgs(["images", "export", tar, image]);
    s.note(await output("tar", ["-tf", tar]));
    await s.ctr(`--namespace import images import ${tar}`, { normalize: unpackTime });
    await s.ctr("--namespace import images ls");
    await s.ctr("--namespace import images check");
    // What the import made and nothing needs any more is collected now, and not at some time.
    await s.ctr("--namespace import leases create --id collect");
    await s.ctr("--namespace import leases rm --sync collect");
    await s.ctr("--namespace import content ls -q");
  });

  both.it("leaves nothing of an image that was removed last", async (s) => {
    await s.ctr(`images rm --sync ${image}`);
    await s.ctr("images ls");
    await s.ctr("content ls -q");
    await s.ctr("snapshots ls");
  });
});

/** Progress is drawn over itself, as often as time allows; only the last drawing tells the result, without its rates. */
function lastState(text: string): string {
  return unpackTime(text.split("\u001B").at(-1) ?? "")
    .replaceAll(/.*context canceled.*/g, "")
    .replaceAll(/elapsed: *[\d.]+ *s? *total: .*/g, "ELAPSED")
    .replaceAll(/[ \t]+/g, " ");
}

function unpackTime(text: string): string {
  return text.replaceAll(/\b[\d.]+(?:ms|µs|s)\b/g, "DURATION");
}
