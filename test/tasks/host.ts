import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { OptionsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { containerSpec } from "@slipway/client/container-spec";
import { Stdio } from "@slipway/client/stdio";
import type { Any } from "@slipway/core/any";
import type { ProcessExit, ProcessIo } from "@slipway/core/tasks";
import type { ResourcesSpec, RuntimeSpec } from "@slipway/oci/runtime-spec";
import { TestDaemon } from "../support/daemon.ts";
import { makeRootfs } from "../support/images.ts";
import type { Combination } from "./combinations.ts";
import { EventLog } from "./event-log.ts";
import { Output } from "./output.ts";

export interface TaskOptions {
  readonly terminal?: boolean;
  readonly stdin?: boolean;
  /** Instead of FIFOs of the test's. */
  readonly io?: ProcessIo;
  readonly resources?: ResourcesSpec;
  /** Of runc's, besides the runtime and its cgroups. */
  readonly runtimeOptions?: MessageInitShape<typeof OptionsSchema>;
  /** Changes the runtime spec before it is used. */
  readonly adjust?: (spec: RuntimeSpec) => void;
}

const specType = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
const processType = "types.containerd.io/opencontainers/runtime-spec/1/Process";

/** A daemon of a combination, and its client. Disposing of it removes all containers. */
export class TaskHost implements AsyncDisposable {
  readonly combination: Combination;
  readonly namespace: string;
  readonly daemon: TestDaemon;
  readonly rootfs: string;
  client: Client;
  events: EventLog;
  readonly #open = new Set<TestTask>();
  #count = 0;

  private constructor(combination: Combination, daemon: TestDaemon) {
    this.combination = combination;
    this.daemon = daemon;
    // Runtimes keep their state by namespace and id, and some of them in one place for all daemons.
    this.namespace = `suite-${daemon.pid}`;
    this.rootfs = makeRootfs(daemon.folder.join("rootfs"));
    this.client = connect({ address: daemon.address, namespace: this.namespace });
    this.events = new EventLog(this.client);
  }

  static async start(combination: Combination): Promise<TaskHost> {
    const { daemon, config = "" } = combination;
    return new TaskHost(combination, await TestDaemon.start(daemon, { config }));
  }

  /** The daemon is killed; `meanwhile` happens; it is started again. */
  async restart(meanwhile: () => unknown): Promise<void> {
    await this.daemon.stop("SIGKILL");
    await this.events[Symbol.asyncDispose]();
    await this.client[Symbol.asyncDispose]();
    await meanwhile();
    await this.daemon.start();
    this.client = connect({ address: this.daemon.address, namespace: this.namespace });
    this.events = new EventLog(this.client);
  }

  /** A container of busybox whose shell runs `script`, and its task, created. */
  async create(script: string, options: TaskOptions = {}): Promise<TestTask> {
    return await this.createArgs(["sh", "-c", script], options);
  }

  async createArgs(args: readonly string[], options: TaskOptions = {}): Promise<TestTask> {
    const id = `t${(this.#count += 1)}`;
    const { terminal = false, stdin = false, resources } = options;
    const spec = containerSpec({
      id,
      namespace: this.namespace,
      args,
      env: ["PATH=/bin"],
      terminal,
      rootfsPath: this.rootfs,
      ...(resources ? { resources } : {}),
    });
    if (this.combination.isSystemd) spec.linux.cgroupsPath = `system.slice:${this.namespace}:${id}`;
    options.adjust?.(spec);
    await this.client.containers.create({
      id,
      labels: {},
      image: "",
      runtime: { name: this.combination.shim, options: this.#runtimeOptions(options.runtimeOptions) },
      spec: jsonAny(specType, spec),
      snapshotter: "",
      snapshotKey: "",
      extensions: {},
      sandboxId: "",
    });
    const stdio = options.io ? undefined : Stdio.open({ folder: this.#fifos, terminal, stdin });
    const io = options.io ?? stdio?.io ?? noIo;
    try {
      const pid = await this.client.tasks.create(id, { rootfs: [], io });
      const task = new TestTask(this, id, pid, stdio);
      this.#open.add(task);
      return task;
    } catch (error) {
      stdio?.[Symbol.dispose]();
      await this.client.containers.delete(id);
      throw error;
    }
  }

  /** As `create`, and started. */
  async run(script: string, options?: TaskOptions): Promise<TestTask> {
    const task = await this.create(script, options);
    await task.start();
    return task;
  }

  /** The task is gone, and so is its container. */
  forget(task: TestTask): void {
    task.closeStreams();
    this.#open.delete(task);
  }

  /** Removes what a failed test left, so that the next ones tell of themselves. */
  async clear(): Promise<void> {
    for (const task of this.#open) {
      await this.client.tasks.resume(task.id).catch(() => undefined);
      await task.kill(9).catch(() => undefined);
      await task.wait().catch(() => undefined);
      await task.delete().catch(() => undefined);
      this.forget(task);
    }
  }

  get #fifos(): string {
    return this.daemon.folder.join("fifo");
  }

  /** The streams of an exec. */
  streams(options: { readonly terminal?: boolean; readonly stdin?: boolean }): Stdio {
    return Stdio.open({ folder: this.#fifos, ...options });
  }

  #runtimeOptions(more: TaskOptions["runtimeOptions"]): Any {
    const { binary, isSystemd } = this.combination;
    const options = create(OptionsSchema, { ...more, binaryName: binary, systemdCgroup: isSystemd });
    return { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.events[Symbol.asyncDispose]();
    await this.client[Symbol.asyncDispose]();
    await this.daemon[Symbol.asyncDispose]();
  }
}

const noIo: ProcessIo = { stdin: "", stdout: "", stderr: "", terminal: false };

/** A process of a test, with what it prints. */
export class TestProcess {
  readonly host: TaskHost;
  readonly id: string;
  readonly execId: string;
  readonly stdio: Stdio | undefined;
  readonly stdout: Output | undefined;
  readonly stderr: Output | undefined;

  constructor(host: TaskHost, id: string, execId: string, stdio: Stdio | undefined) {
    this.host = host;
    this.id = id;
    this.execId = execId;
    this.stdio = stdio;
    this.stdout = stdio && new Output(stdio.stdout);
    this.stderr = stdio?.stderr && new Output(stdio.stderr);
  }

  get ref(): { containerId: string; execId: string } {
    return { containerId: this.id, execId: this.execId };
  }

  async start(): Promise<number> {
    return await this.host.client.tasks.start(this.ref);
  }

  async wait(): Promise<ProcessExit> {
    return await this.host.client.tasks.wait(this.ref);
  }

  async kill(signal: number, options?: { readonly all?: boolean }): Promise<void> {
    await this.host.client.tasks.kill(this.ref, signal, options);
  }

  async status(): Promise<string> {
    return (await this.host.client.tasks.get(this.ref)).status;
  }

  /** All that it printed, and its errors, once it has ended. */
  async printed(): Promise<readonly [string | undefined, string | undefined]> {
    return [await this.stdout?.whole(), await this.stderr?.whole()];
  }
}

/** A container and its task. */
export class TestTask extends TestProcess {
  readonly pid: number;
  readonly #execs: TestProcess[] = [];

  constructor(host: TaskHost, id: string, pid: number, stdio: Stdio | undefined) {
    super(host, id, "", stdio);
    this.pid = pid;
  }

  /** Another process in it, not started yet. */
  async exec(
    execId: string,
    args: readonly string[],
    options: {
      readonly terminal?: boolean;
      readonly stdin?: boolean;
      readonly apparmorProfile?: string;
    } = {},
  ): Promise<TestProcess> {
    const { terminal = false, apparmorProfile } = options;
    const { process } = containerSpec({ id: this.id, namespace: this.host.namespace, args, terminal });
    const stdio = this.host.streams(options);
    process.env = [...process.env, "PATH=/bin"];
    if (apparmorProfile !== undefined) process.apparmorProfile = apparmorProfile;
    try {
      await this.host.client.tasks.exec(this.id, execId, {
        io: stdio.io,
        spec: jsonAny(processType, process),
      });
      const exec = new TestProcess(this.host, this.id, execId, stdio);
      this.#execs.push(exec);
      return exec;
    } catch (error) {
      stdio[Symbol.dispose]();
      throw error;
    }
  }

  closeStreams(): void {
    for (const { stdio } of [this, ...this.#execs]) stdio?.[Symbol.dispose]();
  }

  /** Removes the ended task and its container. */
  async delete(): Promise<ProcessExit> {
    const exit = await this.host.client.tasks.delete(this.id);
    await this.host.client.containers.delete(this.id);
    this.host.forget(this);
    return exit;
  }

  /** Ends it and removes it. */
  async end(): Promise<void> {
    await this.kill(9);
    await this.wait();
    await this.delete();
  }
}

function jsonAny(typeUrl: string, value: object): Any {
  return { typeUrl, value: Buffer.from(JSON.stringify(value)) };
}
