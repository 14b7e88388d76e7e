import { describe } from "node:test";
import { SideBySide, withoutTimes } from "../support/side-by-side.ts";

describe("ctr leases", () => {
  const both = new SideBySide("leases");

  both.it("creates, lists and removes", async (s) => {
    await s.ctr("leases ls");
    await s.ctr("leases create --id mine --expires 1h a=b");
    await s.ctr("leases create --id yours");
    await s.ctr("leases ls", { normalize: withoutTimes });
    await s.ctr("leases ls -q id==mine");
    await s.ctr("leases rm yours");
    await s.ctr("leases rm --sync mine");
    await s.ctr("leases ls");
  });

  both.it("refuses what containerd refuses, in its words", async (s) => {
    await s.ctr("leases create --id twice");
    await s.ctr("leases create --id twice");
    await s.ctr("leases rm none");
    await s.ctr("leases create --id bad/id");
  });
});
