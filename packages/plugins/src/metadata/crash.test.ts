import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { it } from "node:test";
import { digestOf } from "@slipway/oci/digest";
import { Fixture } from "./testing/fixture.ts";

const writer = `
  import { Fixture, writeBlob } from ${JSON.stringify(new URL("./testing/fixture.ts", import.meta.url).href)};
  const { metadata } = new Fixture("shared", process.argv[1]);
  const { images, content, leases } = metadata.scoped({ namespace: "a" });
  const one = async (worker, n) => {
    const name = worker + "-" + n;
    const digest = await writeBlob(content, name, { "containerd.io/gc.root": "1" });
    await images.create({ name, labels: {}, target: { mediaType: "x/y", digest, size: 1 } });
    console.log(name);
    if (n % 10 === 0) void metadata.garbage.collect();
  };
  for (const worker of ["a", "b", "c", "d"]) {
    void (async () => { for (let n = 0; ; n++) await one(worker, n); })();
  }`;

it("Metadata has every acknowledged image and its blob after a kill, and no name without a blob", async () => {
  const folder = mkdtempSync(join(tmpdir(), "slipway-crash-"));
  try {
    const child = spawn(process.execPath, ["--input-type=module", "-e", writer, folder], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const acknowledged: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      acknowledged.push(line);
      if (acknowledged.length === 200) child.kill("SIGKILL");
    }
    assert.equal(acknowledged.length >= 200, true);
    await using fixture = new Fixture("shared", folder);
    const { images, content } = fixture.metadata.scoped({ namespace: "a" });
    await fixture.metadata.garbage.collect();
    for (const name of acknowledged) {
      assert.equal((await images.get(name)).target.digest, digestOf(name));
      const bytes = await Array.fromAsync(content.read(digestOf(name)));
      assert.equal(Buffer.concat(bytes).toString(), name);
    }
    const named = new Set((await Array.fromAsync(content.walk())).map(({ digest }) => digest));
    const below = new Set((await Array.fromAsync(fixture.below.walk())).map(({ digest }) => digest));
    assert.deepEqual(named, below);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
