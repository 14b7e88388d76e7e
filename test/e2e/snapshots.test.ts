import { writeFileSync } from "node:fs";
import { describe } from "node:test";
import { output, type Result } from "../support/run.ts";
import { type Session, SideBySide, withoutTimes, withSortedLabels } from "../support/side-by-side.ts";

for (const snapshotter of ["overlayfs", "native"]) {
  describe(`ctr snapshots, ${snapshotter}`, () => {
    const both = new SideBySide(`snapshots-${snapshotter}`);
    const snapshots = (s: Session, command: string): Promise<Result> =>
      s.ctr(`snapshots --snapshotter ${snapshotter} ${command}`, { normalize });

    both.it("prepares, commits, views, lists and removes", async (s) => {
      await snapshots(s, "ls");
      await snapshots(s, "prepare work");
      await snapshots(s, "mounts TARGET work");
      const source = await sourceOf(s, "work");
      writeFileSync(`${source}/file`, "x".repeat(5000));
      await snapshots(s, "commit base work");
      await snapshots(s, "prepare child base");
      await snapshots(s, "mounts TARGET child");
      await snapshots(s, "commit second child");
      await snapshots(s, "prepare third second");
      await snapshots(s, "mounts TARGET third");
      await snapshots(s, "view look second");
      await snapshots(s, "mounts TARGET look");
      await snapshots(s, "view base-view base");
      await snapshots(s, "mounts TARGET base-view");
      await snapshots(s, "ls");
      await snapshots(s, "tree");
      await snapshots(s, "info base");
      await snapshots(s, "label base a=b");
      await snapshots(s, "info third");
      await snapshots(s, "usage -b base");
      await snapshots(s, "usage third");
      await snapshots(s, "rm third look base-view");
      await snapshots(s, "rm second");
      await snapshots(s, "rm base");
      await snapshots(s, "ls");
    });

    both.it("refuses what containerd refuses, in its words", async (s) => {
      await snapshots(s, "prepare one");
      await snapshots(s, "prepare one");
      await snapshots(s, "prepare two none");
      await snapshots(s, "prepare two one");
      await snapshots(s, "view two none");
      await snapshots(s, "commit committed none");
      await snapshots(s, "commit one one");
      await snapshots(s, "commit base one");
      await snapshots(s, "commit again base");
      await snapshots(s, "mounts TARGET base");
      await snapshots(s, "mounts TARGET none");
      await snapshots(s, "prepare child base");
      await snapshots(s, "prepare base");
      await snapshots(s, "rm base");
      await snapshots(s, "rm none");
      await snapshots(s, "info none");
      await snapshots(s, "usage none");
      await snapshots(s, "view look base");
      // containerd's native snapshotter looks for its folder first, and does not find it.
      if (snapshotter !== "native") await snapshots(s, "commit looked look");
      await snapshots(s, "unpack sha256:0000000000000000000000000000000000000000000000000000000000000000");
    });

    both.it("makes a layer of the difference", async (s) => {
      await snapshots(s, "prepare changed");
      const source = await sourceOf(s, "changed");
      await output("sh", [
        "-c",
        'cd "$0" && mkdir d && echo hello > d/f && ln -s f d/l && touch -h -d @1000 d/f d/l d',
        source,
      ]);
      const { stdout } = await s.daemon.ctr([...prefix, "diff", "--media-type", plainLayer, "changed"]);
      s.note(await output("tar", ["-tv", "--full-time"], { input: stdout }));
    });

    const prefix = ["--namespace", `snapshots-${snapshotter}`, "snapshots", "--snapshotter", snapshotter];

    /** Where the mount of an active snapshot without parent comes from. */
    async function sourceOf(s: Session, key: string): Promise<string> {
      const { stdout } = await s.daemon.ctr([...prefix, "mounts", "/tmp", key]);
      return /mount -t \S+ (\S+)/.exec(stdout)?.[1] ?? "";
    }
  });
}

const plainLayer = "application/vnd.oci.image.layer.v1.tar";

function normalize(text: string): string {
  return withSortedLabels(withoutTimes(text))
    .replaceAll(/snapshots\/\d+\//g, "snapshots/N/")
    .replaceAll(/(snapshots-\w+)\/\d+\//g, "$1/N/")
    .replaceAll("failed to get snapshot mount", "failed to get active mount");
}
