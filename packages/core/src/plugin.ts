import type { Platform } from "@slipway/oci/platform";
import type { Any } from "./any.ts";
import type { TableReader } from "./config/table-reader.ts";

/**
 * A kind of plugin: what its instances can do, as a type that only the compiler sees.
 * `type` is containerd's own name for it, such as `io.containerd.snapshotter.v1`.
 */
export interface PluginKind<T, Many extends boolean = boolean> {
  readonly type: string;
  /** Several instances, told apart by id; else there is one. */
  readonly many: Many;
  readonly instance?: T;
}

/** A kind of which the daemon has one. */
export function onePlugin<T>(type: string): PluginKind<T, false> {
  return { type, many: false };
}

/** A kind of which the daemon has several, told apart by id. */
export function manyPlugins<T>(type: string): PluginKind<T, true> {
  return { type, many: true };
}

export type Needs = Readonly<Record<string, PluginKind<unknown>>>;

/** What `needs` becomes for `start`: the one instance, or all of them by id. */
export type Provided<N extends Needs> = {
  readonly [K in keyof N]: N[K] extends PluginKind<infer T, infer Many>
    ? Many extends true
      ? ReadonlyMap<string, T>
      : T
    : never;
};

/** Where a plugin may keep things, and what it may tell the daemon. */
export interface PluginContext {
  /** Survives reboots: ROOT/TYPE.ID, made on demand by the plugin. */
  readonly rootDir: string;
  /** Does not survive reboots: STATE/TYPE.ID. */
  readonly stateDir: string;
  readonly log: Logger;
  /** Aborts when the daemon stops. */
  readonly signal: AbortSignal;
}

export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What a started plugin gives: its instance, what introspection shows of it, and how it stops. */
export interface Started<T> {
  readonly instance: T;
  readonly exports?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  /**
   * Answers a client's request to introspection, in messages of the plugin's own.
   * @throws {Fault} `unimplemented` for a request of an unknown type
   */
  readonly describe?: (request: Any, signal: AbortSignal) => Promise<Any>;
  stop?(): Promise<void>;
}

/** A plugin is a value that states its needs: nothing registers itself, the daemon's builtins list names them all. */
export interface Plugin<T = unknown, C = unknown, N extends Needs = Needs> {
  readonly kind: PluginKind<T>;
  readonly id: string;
  readonly needs: N;
  readonly platforms?: readonly Platform[];
  /** Whether the daemon refuses to start without it; any other that fails is reported. */
  readonly isEssential?: boolean;
  /**
   * Reads the plugin's table of the configuration, and nothing else: it is called to show and to check it, too. What it
   * asks for is what the table may have. @throws {Fault} `invalid_argument` naming the key
   */
  parseConfig(table: TableReader): C;
  start(provided: Provided<N>, config: C, context: PluginContext): Promise<Started<T>>;
}

/** As the configuration and introspection name it: `io.containerd.snapshotter.v1.overlayfs`. */
export function fullName({ kind, id }: Pick<Plugin, "kind" | "id">): string {
  return `${kind.type}.${id}`;
}

/** Ties the types of a plugin's needs, config and instance together. */
export function definePlugin<T, C, N extends Needs>(plugin: Plugin<T, C, N>): Plugin<T, C, N> {
  return plugin;
}
