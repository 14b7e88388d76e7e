import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { digestOf } from "@slipway/oci/digest";
import { Fixture } from "./testing/fixture.ts";

const fixture = new Fixture();
after(async () => await fixture[Symbol.asyncDispose]());

describe("NamespacedImages", () => {
  // `ctr images pull --local` behind a login page: its resolver believes the page's type.
  it("refuses a web page, which a client took for an image", async () => {
    const { images } = fixture.metadata.scoped({ namespace: "pages" });
    for (const mediaType of ["text/html", "text/html; charset=utf-8", "application/xhtml+xml"]) {
      const target = { mediaType, digest: digestOf("<html>"), size: 6 };
      await assert.rejects(images.create({ name: "page:1", labels: {}, target }), {
        code: "invalid_argument",
        message: `target.MediaType "${mediaType}" is that of a web page, not of an image: invalid argument`,
      });
    }
    assert.deepEqual(await images.list(), []);
  });
});
