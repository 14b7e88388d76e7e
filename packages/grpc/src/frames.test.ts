import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { ListContainersResponseSchema } from "@slipway/api/containerd/services/containers/v1/containers_pb";
import { ListStatusesResponseSchema } from "@slipway/api/containerd/services/content/v1/content_pb";
import { Deframer, encodeFrame, encodeFrameInTurns } from "./frames.ts";

const maxBytes = 16 * 1024 * 1024;

for (const encode of [encodeFrame, encodeFrameInTurns])
  describe(encode.name, () => {
    for (const count of [0, 1, 16, 17, 100, 101, 500]) {
      it(`encodes a list of ${count} so that it is one message again, in its order`, async () => {
        const containers = Array.from({ length: count }, (_, n) => ({
          id: `c${n}`,
          labels: { n: String(n) },
          spec: { typeUrl: "spec", value: new Uint8Array(n * 20).fill(n) },
        }));
        const frame = Buffer.concat(await encode(ListContainersResponseSchema, { containers }, maxBytes));
        const messages: Uint8Array[] = [];
        new Deframer(maxBytes).push(frame, (each) => messages.push(each));
        const [message, ...others] = messages;
        assert.ok(message && others.length === 0);
        const expected = create(ListContainersResponseSchema, { containers });
        assert.deepEqual(fromBinary(ListContainersResponseSchema, new Uint8Array(message)), expected);
      });
    }

    it("counts all of a long list for the limit", async () => {
      const statuses = Array.from({ length: 101 }, () => ({ ref: "x".repeat(100) }));
      await assert.rejects(async () => await encode(ListStatusesResponseSchema, { statuses }, 10_000), {
        code: "resource_exhausted",
      });
    });
  });
