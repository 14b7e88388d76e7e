import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { detailsHeader, detailsOnRequest } from "./details-on-request.ts";
import { infoDetail, infoOf } from "./error-info.ts";
import { Metadata } from "./metadata.ts";
import type { CallContext } from "./service.ts";

const info = { reason: "NO_SPACE", facts: { hint: "free some" } };

describe("infoOf", () => {
  it("reads what a fault says of its cause, among other details", () => {
    const details = ["plain", { typeUrl: "x/y", value: new Uint8Array([1]) }, infoDetail(info)];
    assert.deepEqual(infoOf(new Fault("unknown", "failed", { details })), info);
    assert.equal(infoOf(new Fault("unknown", "failed")), undefined);
    assert.equal(infoOf(new Error("failed")), undefined);
  });
});

describe("detailsOnRequest", () => {
  const handlers = detailsOnRequest({
    fail: (_request: unknown, _context: CallContext): Promise<never> => {
      throw new Fault("not_found", "gone", { details: [infoDetail(info)] });
    },
  });
  const call = (headers: [string, string][]): Promise<unknown> =>
    handlers
      .fail({}, { path: "/x/Fail", metadata: new Metadata(headers), signal: new AbortController().signal })
      .catch((error: unknown) => error);

  it("keeps them from clients that did not ask", async () => {
    const theirs = await call([]);
    assert.deepEqual(
      [(theirs as Fault).code, (theirs as Fault).message, infoOf(theirs)],
      ["not_found", "gone", undefined],
    );
    assert.deepEqual(infoOf(await call([[detailsHeader, "1"]])), info);
  });
});
