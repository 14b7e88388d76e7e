import { describe } from "node:test";
import { SideBySide } from "../support/side-by-side.ts";

describe("ctr namespaces", () => {
  const both = new SideBySide("namespaces");

  both.it("creates, labels, lists and removes", async (s) => {
    await s.ctr("namespaces ls");
    await s.ctr("namespaces create one a=b");
    await s.ctr("namespaces create two");
    await s.ctr("namespaces ls");
    await s.ctr("namespaces ls -q");
    await s.ctr("namespaces label one a=c d=e");
    await s.ctr("namespaces label one d=");
    await s.ctr("namespaces ls");
    await s.ctr("namespaces rm two");
    await s.ctr("namespaces rm two");
    await s.ctr("namespaces ls");
  });

  both.it("refuses what containerd refuses, in its words", async (s) => {
    await s.ctr("namespaces create one");
    await s.ctr("namespaces create");
    await s.ctr("namespaces create bad/name");
    await s.ctr("namespaces create -- -x");
    await s.ctr(`namespaces create ${"n".repeat(80)}`);
    await s.ctr(`namespaces create long a=${"v".repeat(5000)}`);
    await s.ctr("namespaces label none a=b");
    await s.ctr("namespaces rm none");
    await s.ctr("--namespace bad/name images ls");
  });

  both.it("keeps a namespace that is in use", async (s) => {
    await s.ctr("--namespace used content ingest some-ref", { input: "hello" });
    await s.ctr("namespaces rm used");
    await s.ctr(
      "--namespace used content rm sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    );
    await s.ctr("namespaces rm used");
  });
});
