import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ImageConfig } from "@slipway/oci/image";
import { commandOf } from "./command.ts";

function image(Entrypoint: string[] | null, Cmd: string[] | null): ImageConfig {
  const rootfs = { type: "layers", diff_ids: [] } as const;
  return { os: "linux", architecture: "amd64", config: { Entrypoint, Cmd }, rootfs };
}

describe("commandOf", () => {
  it("passes over an entry point that is one empty word, the image's and the caller's", () => {
    for (const entrypoint of [[""], [], null]) {
      assert.deepEqual(commandOf({ image: image(entrypoint, ["sh"]) }), ["sh"]);
      assert.deepEqual(commandOf({ image: image(entrypoint, ["sh"]), args: ["id"] }), ["id"]);
    }
    assert.deepEqual(commandOf({ image: image(["e"], ["c"]), entrypoint: [""], args: ["id"] }), ["id"]);
  });

  it("joins entry point and command, and drops the image's command with its entry point", () => {
    assert.deepEqual(commandOf({ image: image(["e", ""], ["c"]) }), ["e", "", "c"]);
    assert.deepEqual(commandOf({ image: image(["e"], ["c"]), args: ["w", ""] }), ["e", "w", ""]);
    assert.deepEqual(commandOf({ image: image(["e"], ["c"]), entrypoint: ["n"] }), ["n"]);
  });

  it("refuses a container without a command, and an empty word as the program", () => {
    for (const options of [
      {},
      { image: image(null, null) },
      { image: image([""], ["c"]), entrypoint: [""] },
    ]) {
      assert.throws(() => commandOf(options), { code: "invalid_argument", message: /names a command/ });
    }
    for (const options of [
      { image: image(null, [""]) },
      { args: ["", "x"] },
      { image: image(["", "x"], null) },
    ]) {
      assert.throws(() => commandOf(options), { code: "invalid_argument", message: /program is empty/ });
    }
  });
});
