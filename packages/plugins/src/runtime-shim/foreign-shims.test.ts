import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import {
  BootstrapParamsSchema,
  BootstrapResultSchema,
} from "@slipway/api/containerd/runtime/bootstrap/v1/bootstrap_pb";
import { Task as TaskV2 } from "@slipway/api/containerd/task/v2/task_pb";
import { Task } from "@slipway/api/containerd/task/v3/task_pb";
import { RuntimeInfoSchema } from "@slipway/api/containerd/types/types_pb";
import { Status } from "@slipway/api/containerd/v1/types/types_pb";
import { GrpcServer } from "@slipway/grpc/server";
import { type CallContext, serve, type ServiceHandlers } from "@slipway/rpc/service";
import { TtrpcServer } from "@slipway/ttrpc/server";
import { parseBootstrap } from "./bootstrap.ts";
import { Bundle } from "./bundle.ts";
import { findShimBinary, ShimBinary } from "./shim-binary.ts";
import { noIo, TestRuntime } from "./testing/runtime.ts";

/** A shim that only says that it does what it is told; its calls are noted. */
class FakeShim {
  readonly calls: string[] = [];
  /** What it was given as the root file system. */
  rootfs: readonly { readonly type: string; readonly source: string; readonly options: readonly string[] }[] =
    [];
  readonly handlers: Partial<ServiceHandlers<typeof Task>> = {
    create: ({ rootfs }, context) => {
      this.rootfs = rootfs.map(({ type, source, options }) => ({ type, source, options }));
      return this.#note(context, { pid: 77 });
    },
    start: (_, context) => this.#note(context, { pid: 77 }),
    state: (_, context) => this.#note(context, { pid: 77, status: Status.RUNNING }),
    delete: (_, context) => this.#note(context, { pid: 77, exitStatus: 5 }),
    shutdown: (_, context) => this.#note(context, {}),
  };

  #note<T>({ path, metadata }: CallContext, answer: T): T {
    this.calls.push(`${path} ${metadata.get("containerd-namespace-ttrpc")}`);
    return answer;
  }
}

describe("a shim of another's", () => {
  const runtime = new TestRuntime();
  before(() => runtime.start());
  after(() => runtime.end());

  /** A program that answers `start` with `answer`, and notes how it was called. */
  const program = (name: string, answer: string): string => {
    const path = join(runtime.root, name);
    writeFileSync(
      path,
      `#!/bin/sh
for last; do :; done
[ "$last" != -info ] || exec cat ${path}.info
[ "$last" = start ] || exit 0
echo "$PWD $NAMESPACE $TTRPC_ADDRESS $*" > ${path}.called
cat > ${path}.input
printf '%s' '${answer}'
`,
      { mode: 0o700 },
    );
    return path;
  };
  const life = async (path: string): Promise<string> => {
    const containerId = runtime.container(["true"], { runtime: path });
    assert.equal(await runtime.tasks.create(containerId, { rootfs: [], io: noIo }), 77);
    assert.equal(await runtime.tasks.start({ containerId }), 77);
    assert.equal((await runtime.tasks.get({ containerId })).status, "running");
    assert.equal((await runtime.tasks.delete(containerId)).exitStatus, 5);
    return containerId;
  };

  it("is called over gRPC when it says so, and in the folder and with the words of containerd", async () => {
    const shim = new FakeShim();
    const socket = join(runtime.root, "grpc.sock");
    await using server = new GrpcServer([serve(Task, shim.handlers)]);
    await server.listen(socket);
    const path = program(
      "grpc-shim",
      JSON.stringify({ version: 3, address: `unix://${socket}`, protocol: "grpc" }),
    );
    const id = await life(path);
    const [folder, namespace, address, ...args] = readFileSync(`${path}.called`, "utf8").trim().split(" ");
    assert.deepEqual([folder, namespace], [runtime.bundle(id), "test"]);
    assert.match(address ?? "", /\.ttrpc$/);
    assert.equal(
      args.join(" ").replace(/-address \S+ -publish-binary \S+/, "..."),
      `-namespace test ... -id ${id} start`,
    );
    assert.deepEqual(
      shim.calls.map((call) => call.replace("/containerd.task.v3.Task/", "")),
      ["Create test", "Start test", "State test", "Delete test", "Shutdown test"],
    );
  });

  it("is called with version 2 when it does not know the version that it said", async () => {
    const shim = new FakeShim();
    const socket = join(runtime.root, "ttrpc.sock");
    await using server = new TtrpcServer([
      serve(TaskV2, shim.handlers as unknown as ServiceHandlers<typeof TaskV2>),
    ]);
    await server.listen(socket);
    await life(program("ttrpc-shim", JSON.stringify({ version: 3, address: socket, protocol: "ttrpc" })));
    assert.ok(shim.calls.every((call) => call.startsWith("/containerd.task.v2.Task/")));
  });

  it("is told the runtime's options in the form that it can read", async () => {
    const options = { typeUrl: OptionsSchema.typeName, value: new Uint8Array([1, 2, 3]) };
    const folders = { stateDir: join(runtime.root, "options"), rootDir: join(runtime.root, "options") };
    const bundle = Bundle.create(folders, "ns", "task", undefined);
    const input = async (path: string): Promise<Uint8Array> => {
      const environment = { grpcAddress: "", ttrpcAddress: "", version: "", publishBinary: "" };
      await new ShimBinary(path, bundle, environment).start(options);
      return readFileSync(`${path}.input`);
    };
    // containerd's own up to 1.7 do not know the question what they are, and start without what they cannot read.
    const { typeUrl, value } = fromBinary(AnySchema, await input(program("older-shim", "unix:///a")));
    assert.deepEqual({ typeUrl, value: new Uint8Array(value) }, options);
    const newer = program("newer-shim", "unix:///a");
    writeFileSync(`${newer}.info`, toBinary(RuntimeInfoSchema, create(RuntimeInfoSchema)));
    const { instanceId, extensions } = fromBinary(BootstrapParamsSchema, await input(newer));
    assert.deepEqual([instanceId, extensions[0]?.value?.typeUrl], ["task", OptionsSchema.typeName]);
  });

  const overlay = {
    type: "format/mkdir/overlay",
    source: "overlay",
    options: [
      "X-containerd.mkdir.path={{ mount 1 }}/upper:0755",
      "X-containerd.mkdir.path={{ mount 1 }}/work",
      "lowerdir={{ mount 0 }}",
      "upperdir={{ mount 1 }}/upper",
      "workdir={{ mount 1 }}/work",
    ],
  };
  const below = [
    { type: "bind", source: "/etc", options: ["rbind", "ro"] },
    { type: "tmpfs", source: "tmpfs", options: [] },
  ];

  /** Gives a shim that says that about itself a task with mounts that no kernel knows. @returns what it was given */
  async function given(info: string | undefined): Promise<FakeShim["rootfs"]> {
    const shim = new FakeShim();
    const name = `mounts-shim-${(count += 1)}`;
    const socket = join(runtime.root, `${name}.sock`);
    await using server = new TtrpcServer([serve(Task, shim.handlers)]);
    await server.listen(socket);
    const path = program(name, JSON.stringify({ version: 3, address: socket, protocol: "ttrpc" }));
    if (info !== undefined) {
      const annotations = { "containerd.io/runtime-allow-mounts": info };
      writeFileSync(`${path}.info`, toBinary(RuntimeInfoSchema, create(RuntimeInfoSchema, { annotations })));
    }
    const containerId = runtime.container(["true"], { runtime: path });
    const folder = `${runtime.bundle(containerId)}/mounts`;
    await runtime.tasks.create(containerId, { rootfs: [...below, overlay], io: noIo });
    if (shim.rootfs.length === 1) assert.ok(statSync(`${folder}/1/upper`).isDirectory());
    assert.equal(existsSync(folder), shim.rootfs.length === 1);
    await runtime.tasks.start({ containerId });
    await runtime.tasks.delete(containerId);
    assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(containerId));
    return shim.rootfs.map(({ type, source, options }) => {
      const told = options.map((option) => option.replaceAll(folder, "M"));
      return { type, source: source.replaceAll(folder, "M"), options: told };
    });
  }
  let count = 0;

  it("gets mounts that a kernel knows, of which the daemon has made the rest", async () => {
    const plain = { type: "overlay", source: "overlay" };
    const made = [{ ...plain, options: ["lowerdir=M/0", "upperdir=M/1/upper", "workdir=M/1/work"] }];
    assert.deepEqual(await given(undefined), made);
    assert.deepEqual(await given("loop,mkfs/*"), made);
  });

  it("gets what it says that it makes itself as it is", async () => {
    assert.deepEqual(await given("format/*,mkdir/*"), [...below, overlay]);
    assert.deepEqual(await given("loop,format/mkdir/overlay"), [...below, overlay]);
  });

  it("is told apart by what it answers", () => {
    const bytes = toBinary(
      BootstrapResultSchema,
      create(BootstrapResultSchema, { version: 3, address: "unix:///a", protocol: "TTRPC" }),
    );
    const bare = { version: 2, address: "unix:///a", protocol: "ttrpc" };
    assert.deepEqual(parseBootstrap(bytes), { ...bare, version: 3 });
    assert.deepEqual(parseBootstrap(Buffer.from("unix:///a\n")), bare);
    const newer = JSON.stringify({ ...bare, version: 4 });
    for (const none of ["", " \n", '{"version":3}']) {
      assert.throws(() => parseBootstrap(Buffer.from(none)), { message: /names no address/ }, none);
    }
    assert.throws(() => parseBootstrap(Buffer.from(newer)), {
      code: "unimplemented",
      message: "unsupported shim version (4): not implemented",
    });
  });

  it("is not looked for by a name that cannot be one", () => {
    for (const name of ["nope", "a/b.c", ".runc.v2"]) {
      assert.throws(() => findShimBinary(name), /failed to resolve runtime path: invalid runtime name/);
    }
    assert.throws(() => findShimBinary("/nope"), /stat \/nope: no such file or directory/);
  });
});
