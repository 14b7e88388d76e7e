import { closeSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makePipe } from "@slipway/linux/pipe";
import { changeJson } from "./change-json.ts";

const ANNOTATION = "org.criu.config";
/** What runc has criu read unless a container says otherwise. */
const DEFAULT_CONFIG = "/etc/criu/runc.conf";

interface Places {
  readonly id: string;
  readonly bundle: string;
  /** The runtime's, the namespace included. */
  readonly root: string;
}

/** Has criu read further options, for which runtimes have no flags, until the scope ends. */
export function withCriuOptions(places: Places, options: readonly string[]): Disposable {
  using undo = new DisposableStack();
  const path = join(places.bundle, "criu.conf");
  writeFileSync(path, withOwnConfig(places.bundle, options));
  undo.defer(() => rmSync(path, { force: true }));
  undo.use(withCriuConfig(places, path));
  return undo.move();
}

/**
 * As withCriuOptions(), once: criu reads its configuration twice, and has a descriptor to inherit no more when it is told of it
 * a second time. A pipe has nothing left then.
 */
export function withCriuOptionsOnce(places: Places, options: readonly string[]): Disposable {
  if (options.length === 0) return { [Symbol.dispose]: () => undefined };
  using undo = new DisposableStack();
  const { read, write } = makePipe();
  undo.defer(() => closeSync(read));
  try {
    writeSync(write, withOwnConfig(places.bundle, options));
  } finally {
    closeSync(write);
  }
  undo.use(withCriuConfig(places, `/proc/${process.pid}/fd/${read}`));
  return undo.move();
}

/** Options come after those that the container has anyway. */
function withOwnConfig(bundle: string, options: readonly string[]): string {
  const { annotations = {} } = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8")) as SpecFile;
  const own = annotations[ANNOTATION] ?? DEFAULT_CONFIG;
  return [own !== "" && existsSync(own) ? readFileSync(own, "utf8") : "", ...options, ""].join("\n");
}

interface SpecFile {
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuncState {
  readonly config: { readonly labels?: readonly string[] };
}

/**
 * An annotation names criu's configuration. crun, and a restore, read that in the bundle; runc's checkpoint, in runc's own
 * state of the container. https://criu.org/Configuration_files
 */
function withCriuConfig({ id, bundle, root }: Places, path: string): Disposable {
  using undo = new DisposableStack();
  const annotated = (file: SpecFile): SpecFile => ({
    ...file,
    annotations: { ...file.annotations, [ANNOTATION]: path },
  });
  undo.use(changed(join(bundle, "config.json"), annotated));
  const state = join(root, id, "state.json");
  // runc keeps annotations as `NAME=VALUE`; the last of a name is the one.
  const labelled = ({ config, ...file }: RuncState): RuncState => ({
    ...file,
    config: { ...config, labels: [...(config.labels ?? []), `${ANNOTATION}=${path}`] },
  });
  if (existsSync(state)) undo.use(changed(state, labelled));
  return undo.move();
}

/** Until the scope ends, or somebody else changes the file. */
function changed<T extends object>(path: string, change: (value: T) => T): Disposable {
  const before = readFileSync(path, "utf8");
  const after = changeJson(before, change);
  write(path, after);
  return {
    [Symbol.dispose]() {
      if (existsSync(path) && readFileSync(path, "utf8") === after) write(path, before);
    },
  };
}

function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
