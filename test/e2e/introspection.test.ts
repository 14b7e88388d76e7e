import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import { Introspection } from "@slipway/api/containerd/services/introspection/v1/introspection_pb";
import { Snapshots } from "@slipway/api/containerd/services/snapshots/v1/snapshots_pb";
import {
  type RuntimeInfo,
  RuntimeInfoSchema,
  RuntimeRequestSchema,
} from "@slipway/api/containerd/types/types_pb";
import { packAny } from "@slipway/client/byte-streams";
import { GrpcChannel } from "@slipway/grpc/channel";
import { createClient } from "@slipway/rpc/create-client";
import { Metadata } from "@slipway/rpc/metadata";
import { TestDaemon } from "../support/daemon.ts";

describe("what clients ask the daemon about itself", () => {
  let daemon: TestDaemon;
  let channel: GrpcChannel;
  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    channel = new GrpcChannel(daemon.address);
  });
  after(async () => {
    await channel[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });

  const plugin = { type: "io.containerd.runtime.v2", id: "task" };
  async function runtimeInfo(request: MessageInitShape<typeof RuntimeRequestSchema>): Promise<RuntimeInfo> {
    const options = packAny(RuntimeRequestSchema, request);
    const answer = await createClient(Introspection, channel).pluginInfo({ ...plugin, options });
    assert.equal(answer.plugin?.id, "task");
    assert.equal(answer.extra?.typeUrl, "containerd.types.RuntimeInfo");
    return fromBinary(RuntimeInfoSchema, answer.extra.value);
  }
  const withBinary = (binaryName: string): ReturnType<typeof packAny> =>
    packAny(OptionsSchema, { binaryName });

  it("is a runtime's features, of the program that its options name", async () => {
    const info = await runtimeInfo({ runtimePath: "io.containerd.runc.v2" });
    const features: unknown = JSON.parse(Buffer.from(info.features?.value ?? []).toString());
    assert.match(info.features?.typeUrl ?? "", /opencontainers\/runtime-spec\/1\/features\/Features$/);
    assert.ok((features as { ociVersionMin: string }).ociVersionMin);
    const folder = daemon.folder.join("runtimes");
    mkdirSync(folder);
    writeFileSync(`${folder}/other`, `#!/bin/sh\n[ "$1" = features ] && echo '{"ociVersionMin":"1.2.3"}'\n`, {
      mode: 0o755,
    });
    const options = withBinary(`${folder}/other`);
    const other = await runtimeInfo({ runtimePath: "io.containerd.runc.v2", options });
    assert.equal(
      Buffer.from(other.features?.value ?? [])
        .toString()
        .trim(),
      '{"ociVersionMin":"1.2.3"}',
    );
    assert.equal(
      fromBinary(OptionsSchema, other.options?.value ?? new Uint8Array()).binaryName,
      `${folder}/other`,
    );
  });

  it("is what another's shim says, and why it says nothing", async () => {
    const shim = daemon.folder.join("shim");
    const info = toBinary(RuntimeInfoSchema, create(RuntimeInfoSchema, { name: "foreign" }));
    writeFileSync(`${shim}.info`, info);
    writeFileSync(shim, `#!/bin/sh\n[ "$*" = -info ] && exec cat ${shim}.info\n`, { mode: 0o755 });
    assert.equal((await runtimeInfo({ runtimePath: shim })).name, "foreign");
    await assert.rejects(runtimeInfo({ runtimePath: "io.nowhere.v2" }), {
      message: /failed to resolve runtime path.*containerd-shim-nowhere-v2/,
    });
    await assert.rejects(
      runtimeInfo({ runtimePath: "io.containerd.runc.v2", options: withBinary("nowhere") }),
      { message: /failed to look up the path of "nowhere"/ },
    );
    await assert.rejects(runtimeInfo({ runtimePath: "/bin/false" }), { message: /exit status 1/ });
  });

  it("is refused where there is nothing to say", async () => {
    const { pluginInfo } = createClient(Introspection, channel);
    const options = packAny(OptionsSchema, {});
    await assert.rejects(pluginInfo({ ...plugin, options }), { code: "unimplemented" });
    const content = { type: "io.containerd.content.v1", id: "content" };
    await assert.rejects(pluginInfo({ ...content, options }), { code: "unimplemented" });
    await assert.rejects(pluginInfo({ ...content, id: "other" }), { code: "not_found" });
    assert.equal((await pluginInfo(content)).extra, undefined);
  });

  it("says that a snapshotter does not exist as containerd does", async () => {
    const metadata = new Metadata([["containerd-namespace", "default"]]);
    const stat = createClient(Snapshots, channel).stat({ snapshotter: "zfs", key: "a" }, { metadata });
    await assert.rejects(stat, { code: "invalid_argument", message: /^snapshotter not loaded: zfs/ });
  });
});
