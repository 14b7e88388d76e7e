import { createHash } from "node:crypto";
import { describe } from "node:test";
import { SideBySide, withoutTimes, withSortedLabels } from "../support/side-by-side.ts";

const hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const other = `sha256:${createHash("sha256").update("other").digest("hex")}`;

const shared = `sha256:${createHash("sha256").update("shared").digest("hex")}`;

describe("ctr content", () => {
  const both = new SideBySide("content");

  both.it("ingests, gets, lists, labels and removes", async (s) => {
    await s.ctr("content ls");
    await s.ctr(`content ingest --expected-digest ${hello} --expected-size 5 ref-1`, { input: "hello" });
    await s.ctr("content ingest ref-2", { input: "other" });
    await s.ctr("content ls", { normalize: withoutTimes });
    await s.ctr("content ls -q");
    await s.ctr(`content get ${hello}`);
    await s.ctr(`content label ${hello} a=b c=d`, { normalize: withSortedLabels });
    await s.ctr(`content label ${hello} c=`);
    await s.ctr("content ls", { normalize: withoutTimes });
    await s.ctr("content ls labels.a==b", { normalize: withoutTimes });
    await s.ctr("content ls -q digest~=sha256:2cf.*");
    await s.ctr(`content rm ${hello} ${other}`);
    await s.ctr("content ls");
  });

  both.it("says the same of an empty blob, of one twice and of a big one", async (s) => {
    const big = Buffer.alloc(10 << 20, "slipway");
    const digest = `sha256:${createHash("sha256").update(big).digest("hex")}`;
    await s.ctr("content ingest empty", { input: "" });
    await s.ctr("content ingest big", { input: big });
    await s.ctr("content ingest big", { input: big });
    await s.ctr(`content ingest --expected-digest ${digest} --expected-size ${big.length} big`, {
      input: big,
    });
    await s.ctr(`content get ${digest}`);
    await s.ctr("content ls", { normalize: withoutTimes });
    await s.ctr("content active");
  });

  both.it("refuses what containerd refuses, in its words", async (s) => {
    await s.ctr(`content ingest --expected-digest ${other} wrong-digest`, { input: "hello" });
    await s.ctr("content ingest --expected-size 4 wrong-size", { input: "hello" });
    await s.ctr("content ingest --expected-digest sha256:short bad-digest", { input: "hello" });
    await s.ctr("content ingest", { input: "hello" });
    await s.ctr(`content get ${other}`);
    await s.ctr("content get sha256:short");
    await s.ctr("content get nothing");
    await s.ctr(`content rm ${other}`);
    await s.ctr(`content label ${other} a=b`);
    await s.ctr(`content ls name==`);
  });

  both.it("keeps the content of namespaces apart", async (s) => {
    await s.ctr("--namespace a content ingest ref", { input: "shared" });
    await s.ctr("--namespace b content ls");
    await s.ctr("--namespace b content ingest ref", { input: "shared" });
    await s.ctr("--namespace a content ls -q");
    await s.ctr(`--namespace a content rm ${shared}`);
    await s.ctr("--namespace b content ls -q");
  });
});
