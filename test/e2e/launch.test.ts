import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { TestFolder } from "../support/folder.ts";

const launch = join(import.meta.dirname, "../../scripts/launch.sh");
const source = "packages/daemon/src/main.ts";

describe("find_code", () => {
  it("takes the source when nothing is built", () => {
    using checkout = new Checkout();
    assert.equal(checkout.code(), source);
  });

  it("takes what is built", () => {
    using checkout = new Checkout();
    checkout.build(2);
    assert.equal(checkout.code(), "dist/slipwayd.cjs");
  });

  for (const changed of [source, "package-lock.json", "packages/daemon/src"]) {
    it(`takes the source when ${changed} is newer than what is built`, () => {
      using checkout = new Checkout();
      checkout.build(2);
      checkout.touch(changed, 3);
      assert.equal(checkout.code(), source);
    });
  }
});

/** A checkout with one source, of second 1. */
class Checkout implements Disposable {
  readonly #folder = new TestFolder("launch");

  constructor() {
    for (const name of ["dist", "scripts", "packages/daemon/src"]) this.#make(name);
    for (const name of [source, "package-lock.json", "scripts/build.ts"]) this.#write(name, 1);
    for (const name of ["packages", "packages/daemon", "packages/daemon/src"]) this.touch(name, 1);
  }

  build(second: number): void {
    this.#write("dist/slipwayd.cjs", second);
  }

  touch(name: string, second: number): void {
    utimesSync(this.#folder.join(name), second, second);
  }

  /** What would run, from the checkout's root. */
  code(): string {
    const script = `. "$1"; root=$2; find_code slipwayd ${source}; echo "\${code#"$root/"}"`;
    return execFileSync("sh", ["-euc", script, "sh", launch, this.#folder.path], { encoding: "utf8" }).trim();
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }

  #make(name: string): void {
    mkdirSync(this.#folder.join(name), { recursive: true });
  }

  #write(name: string, second: number): void {
    writeFileSync(this.#folder.join(name), "");
    this.touch(name, second);
  }
}
