import { describe } from "node:test";
import { SideBySide, withoutTimes, withSortedLabels } from "../support/side-by-side.ts";

describe("ctr containers", () => {
  const both = new SideBySide("containers");

  both.it("creates, lists, labels, shows and removes", async (s) => {
    await s.ctr("containers ls");
    await s.ctr("containers create --rootfs --label a=b / one sh");
    await s.ctr("containers create --rootfs / two sh -c true");
    await s.ctr("containers ls");
    await s.ctr("containers ls -q");
    await s.ctr("containers ls labels.a==b");
    await s.ctr("containers label one a=c d=e", { normalize: withSortedLabels });
    await s.ctr("containers ls id==one");
    await s.ctr("containers info one", { normalize: withoutTimes });
    await s.ctr("containers info --spec two");
    await s.ctr("containers rm one two");
    await s.ctr("containers ls");
  });

  both.it("refuses what containerd refuses, in its words", async (s) => {
    await s.ctr("containers create --rootfs / twice sh");
    await s.ctr("containers create --rootfs / twice sh");
    await s.ctr("containers create --rootfs / bad/id sh");
    await s.ctr("containers create no-such-image:latest three sh");
    await s.ctr("containers info none");
    await s.ctr("containers rm none");
    await s.ctr("containers label none a=b");
    await s.ctr("tasks start none");
    await s.ctr("containers ls id==");
  });
});
