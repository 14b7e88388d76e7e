import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { TaskStartSchema } from "@slipway/api/containerd/events/events_pb";
import { ImageCreateSchema } from "@slipway/api/containerd/services/images/v1/images_pb";
import { decodeEvent } from "./events.ts";

const envelope = (typeUrl: string, value: Uint8Array): Parameters<typeof decodeEvent>[0] => ({
  timestamp: new Date(),
  namespace: "n",
  topic: "/t",
  event: { typeUrl, value },
});

describe("decodeEvent", () => {
  it("reads the events of tasks and of images, whose types are of different packages", () => {
    const task = toBinary(TaskStartSchema, create(TaskStartSchema, { containerId: "c", pid: 7 }));
    assert.equal(decodeEvent(envelope("containerd.events.TaskStart", task))?.["pid"], 7);
    const image = toBinary(ImageCreateSchema, create(ImageCreateSchema, { name: "busybox" }));
    const read = decodeEvent(envelope("containerd.services.images.v1.ImageCreate", image));
    assert.equal(read?.["name"], "busybox");
  });

  it("gives nothing for an event of another maker", () => {
    assert.equal(decodeEvent(envelope("example.com/Own", new Uint8Array())), undefined);
  });
});
