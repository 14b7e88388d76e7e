import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { TaskExitSchema, TaskStartSchema } from "@slipway/api/containerd/events/events_pb";
import { readMessage, readPayload } from "./read-message.ts";

const value = toBinary(TaskExitSchema, create(TaskExitSchema, { containerId: "a", id: "a" }));
const torn = value.subarray(0, -1);
const typeUrl = TaskExitSchema.typeName;

describe("readMessage", () => {
  it("names the message whose bytes are none", () => {
    const message = 'Cannot read a message "containerd.events.TaskExit": premature EOF';
    assert.throws(() => readMessage(TaskExitSchema, torn), { code: "invalid_argument", message });
    assert.throws(() => readMessage(TaskExitSchema, torn, "internal"), { code: "internal", message });
    assert.equal(readMessage(TaskExitSchema, value).containerId, "a");
  });
});

describe("readPayload", () => {
  it("gives what an event of the type says, with and without a host before the type", () => {
    assert.equal(readPayload(TaskExitSchema, { typeUrl, value })?.containerId, "a");
    const long = `type.googleapis.com/${typeUrl}`;
    assert.equal(readPayload(TaskExitSchema, { typeUrl: long, value })?.containerId, "a");
  });

  it("gives nothing of what anybody may have published", () => {
    assert.equal(readPayload(TaskExitSchema, { typeUrl, value: torn }), undefined);
    assert.equal(readPayload(TaskStartSchema, { typeUrl, value }), undefined);
    assert.equal(readPayload(TaskStartSchema, { typeUrl: "", value }), undefined);
  });
});
