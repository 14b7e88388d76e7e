import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { volumeStoreConformance } from "@slipway/core/volumes/conformance";
import { VolumeDirectories } from "./volume-directories.ts";

function open(): { readonly store: VolumeDirectories; readonly root: string } & Disposable {
  const root = mkdtempSync(join(tmpdir(), "slipway-volumes-"));
  const remove = (): void => rmSync(root, { recursive: true });
  return { store: new VolumeDirectories(join(root, "default")), root, [Symbol.dispose]: remove };
}

volumeStoreConformance("VolumeDirectories", open);

describe("VolumeDirectories", () => {
  it("lists a volume of nerdctl's, and one whose file is damaged", async () => {
    using opened = open();
    for (const [name, file] of [
      ["nerdctl", '{"Labels":{"a":"b"}}'],
      ["null", '{"Labels":null,"CreatedAt":5}'],
      ["torn", '{"Lab'],
      ["list", "[]"],
    ] as const) {
      mkdirSync(join(opened.root, "default", name, "_data"), { recursive: true });
      writeFileSync(join(opened.root, "default", name, "volume.json"), file);
    }
    const found = await opened.store.list();
    assert.deepEqual(
      found.map(({ name, labels }) => [name, labels]),
      [
        ["list", {}],
        ["nerdctl", { a: "b" }],
        ["null", {}],
        ["torn", {}],
      ],
    );
    assert.ok(found.every(({ createdAt }) => !Number.isNaN(createdAt.getTime())));
  });

  it("removes what an interrupted removal left with the next one", async () => {
    using opened = open();
    await opened.store.ensure("data", {});
    mkdirSync(join(opened.root, "default/.removed-1/_data"), { recursive: true });
    assert.equal((await opened.store.list()).length, 1);
    await opened.store.remove("data");
    assert.deepEqual(readdirSync(join(opened.root, "default")), []);
  });

  it("lets a removal wait for those who use volumes, and them for it", async () => {
    using opened = open();
    const order: string[] = [];
    const [one, two] = [await opened.store.lockForUse(), await opened.store.lockForUse()];
    const removal = opened.store.lockForRemoval().then((held) => {
      order.push("removal");
      return held;
    });
    one[Symbol.dispose]();
    order.push("last user");
    two[Symbol.dispose]();
    const held = await removal;
    const later = opened.store.lockForUse().then((use) => {
      order.push("user");
      return use;
    });
    held[Symbol.dispose]();
    (await later)[Symbol.dispose]();
    assert.deepEqual(order, ["last user", "removal", "user"]);
  });
});
