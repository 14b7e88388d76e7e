import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { BootstrapParamsSchema } from "@slipway/api/containerd/runtime/bootstrap/v1/bootstrap_pb";
import { type RuntimeInfo, RuntimeInfoSchema } from "@slipway/api/containerd/types/types_pb";
import { DeleteResponseSchema } from "@slipway/api/containerd/task/v3/task_pb";
import { toAny } from "@slipway/client/messages";
import type { Any } from "@slipway/core/any";
import type { ProcessExit } from "@slipway/core/tasks";
import { Fault, messageOf } from "@slipway/fault/fault";
import { type Bootstrap, parseBootstrap } from "./bootstrap.ts";
import type { Bundle } from "./bundle.ts";
import { exitTime } from "./exit-time.ts";

/** What every shim is told of its daemon. */
export interface ShimEnvironment {
  readonly grpcAddress: string;
  readonly ttrpcAddress: string;
  readonly version: string;
  /** The program that a shim of the first days calls to publish events. */
  readonly publishBinary: string;
}

/**
 * The program of a runtime's name: `io.containerd.runc.v2` is `containerd-shim-runc-v2` on the PATH, an absolute path
 * is itself. Words: containerd's core/runtime/v2/shim_manager.go.
 */
export function findShimBinary(runtime: string): string {
  const failed = (why: string): Fault => new Fault("unknown", `failed to resolve runtime path: ${why}`);
  const invalid = `invalid runtime name ${runtime}, correct runtime name should be either format like \`io.containerd.runc.v2\` or a full path to the binary`;
  if (runtime === "") throw failed("no runtime name");
  if (runtime.startsWith("/")) {
    if (statSync(runtime, { throwIfNoEntry: false })) return runtime;
    throw failed(`invalid custom binary path: stat ${runtime}: no such file or directory`);
  }
  const parts = runtime.split(".");
  if (runtime.includes("/") || parts.length < 2 || parts[0] === "") throw failed(invalid);
  const name = `containerd-shim-${parts.at(-2)}-${parts.at(-1)}`;
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder.startsWith("/") && isExecutable(path)) return path;
  }
  throw failed(`runtime "${runtime}" binary not installed "${name}": file does not exist`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A shim's command line, for the task of one bundle. */
export class ShimBinary {
  readonly path: string;
  readonly #bundle: Bundle;
  readonly #environment: ShimEnvironment;

  constructor(path: string, bundle: Bundle, environment: ShimEnvironment) {
    this.path = path;
    this.#bundle = bundle;
    this.#environment = environment;
  }

  /** Leaves a shim behind, and tells where it listens. */
  async start(options: Any | undefined): Promise<Bootstrap> {
    if (await this.#isOlder()) return await this.#startOlder(options);
    const { namespace, id } = this.#bundle;
    const { grpcAddress, ttrpcAddress, version, publishBinary } = this.#environment;
    const params = create(BootstrapParamsSchema, {
      instanceId: id,
      namespace,
      containerdVersion: version,
      containerdGrpcAddress: grpcAddress,
      containerdTtrpcAddress: ttrpcAddress,
      containerdBinary: publishBinary,
      extensions: options ? [{ value: toAny(options) }] : [],
    });
    try {
      return parseBootstrap(await this.#run("start", [], toBinary(BootstrapParamsSchema, params)));
    } catch (error) {
      // Others from before 2.3 may take it for the runtime's options, and fail. One that does not start at all says so twice.
      const bootstrap = await this.#startOlder(options).catch(() => undefined);
      if (!bootstrap) throw error;
      olderBinaries.set(this.path, true);
      return bootstrap;
    }
  }

  /** containerd's own of before 2.0 cannot tell about themselves. Those of 1.7 start without options that they cannot read. */
  async #isOlder(): Promise<boolean> {
    const isOlder = olderBinaries.get(this.path) ?? (await this.#info()) === undefined;
    olderBinaries.set(this.path, isOlder);
    return isOlder;
  }

  async #startOlder(options: Any | undefined): Promise<Bootstrap> {
    const input = options ? toBinary(AnySchema, create(AnySchema, toAny(options))) : new Uint8Array();
    return parseBootstrap(await this.#run("start", [], input));
  }

  /** Cleans up after a shim that died, and tells how its task ended. */
  async delete(signal: AbortSignal): Promise<ProcessExit> {
    const output = await this.#run("delete", ["-bundle", this.#bundle.path], new Uint8Array(), signal);
    const { pid, exitStatus, exitedAt } = fromBinary(DeleteResponseSchema, output);
    return { pid, exitStatus, exitedAt: exitTime(exitedAt) };
  }

  /** What it says about itself of the mounts that it makes. One that does not know the question makes none. */
  async allowedMounts(): Promise<readonly string[]> {
    const allowed = (await this.#info())?.annotations["containerd.io/runtime-allow-mounts"] ?? "";
    return allowed.split(",").filter(Boolean);
  }

  /** What it says about itself; nothing when it does not know the question. */
  async #info(): Promise<RuntimeInfo | undefined> {
    try {
      return fromBinary(RuntimeInfoSchema, await this.#call(["-info"], new Uint8Array()));
    } catch {
      return undefined;
    }
  }

  async #run(
    action: string,
    flags: readonly string[],
    input: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const { namespace, id } = this.#bundle;
    const { grpcAddress, publishBinary } = this.#environment;
    const args = ["-namespace", namespace, "-address", grpcAddress, "-publish-binary", publishBinary];
    return await this.#call([...args, "-id", id, ...flags, action], input, signal);
  }

  async #call(args: readonly string[], input: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const { namespace, path } = this.#bundle;
    const { grpcAddress, ttrpcAddress } = this.#environment;
    const env = {
      ...daemonEnvironment(),
      GOMAXPROCS: "2",
      MAX_SHIM_VERSION: "2",
      TTRPC_ADDRESS: ttrpcAddress,
      GRPC_ADDRESS: grpcAddress,
      NAMESPACE: namespace,
    };
    return await callShim(this.path, args, input, { cwd: path, env, ...(signal ? { signal } : {}) });
  }
}

/**
 * Runs a shim's program to its end.
 * @returns what it printed
 * @throws {Fault} `unknown` with its words and its exit status
 */
export async function callShim(
  path: string,
  args: readonly string[],
  input: Uint8Array,
  place: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly signal?: AbortSignal },
): Promise<Uint8Array> {
  // Signals to the daemon's group are not for shims.
  const child = spawn(path, args, { ...place, detached: true, killSignal: "SIGKILL" });
  // One that fails early does not read it; its exit tells why.
  child.stdin.on("error", () => undefined).end(input);
  const ended = new Promise<string>((resolve, reject) => {
    child.once("error", (error) => reject(new Fault("unknown", messageOf(error), { cause: error })));
    child.once("close", (code, killed) => {
      resolve(code === 0 ? "" : code === null ? `signal: ${killed}` : `exit status ${code}`);
    });
  });
  const [status, output, errors] = await Promise.all([ended, collect(child.stdout), collect(child.stderr)]);
  if (status === "") return output;
  const words = `${output.toString()}${errors.toString()}`.trim();
  throw new Fault("unknown", words === "" ? status : `${words}: ${status}`);
}

/** By their paths, whether they do not know BootstrapParams, once that is known. */
const olderBinaries = new Map<string, boolean>();

/** What concerns our own Node must not reach other programs. */
export function daemonEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  for (const name of ["NODE_OPTIONS", "NODE_COMPILE_CACHE", "NOTIFY_SOCKET"]) delete environment[name];
  return environment;
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}
