import { Fault } from "@slipway/fault/fault";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { getSystemErrorMessage } from "node:util";

/** A path: bytes when the name may not be UTF-8. */
export type Path = string | Uint8Array;

/** What the C side takes: text (as `const char *`), memory, integers, or a null pointer. */
export type NativeArgument = string | number | bigint | Uint8Array | null;

interface NativeFunction {
  (...args: readonly NativeArgument[]): number;
  async(...args: readonly [...NativeArgument[], (error: unknown, result: number) => void]): void;
}
interface Koffi {
  load(path: string | null): { func(prototype: string): NativeFunction };
  errno(): number;
  address(memory: Uint8Array): bigint;
  readonly node: {
    poll(fd: number, options: { readonly readable: boolean }, callback: () => void): { close(): void };
  };
}

/** A failed system call, in the shape of Node's own: `code`, `errno` (negative), `syscall`, `path`, `dest`. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
  readonly dest?: string;

  constructor(errno: number, syscall: string, paths: readonly string[] = []) {
    const code = codeOfErrno(errno);
    const [path, dest] = paths;
    const where = path === undefined ? "" : dest === undefined ? ` '${path}'` : ` '${path}' -> '${dest}'`;
    const message = unknownToNode.get(errno)?.[1] ?? getSystemErrorMessage(-errno);
    super(`${code}: ${message}, ${syscall}${where}`);
    this.name = "SystemError";
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
    if (path !== undefined) this.path = path;
    if (dest !== undefined) this.dest = dest;
  }
}

/** True for an error of a system call, Node's or ours, with one of `codes`. */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

let koffi: Koffi | undefined;
let library: ReturnType<Koffi["load"]> | undefined;

// Loaded at the first call: importing this package costs nothing until something native happens.
function loaded(): Koffi {
  koffi ??= requireKoffi();
  return koffi;
}

/** @throws {Fault} `failed_precondition` if the package is not installed: for the npm client it is optional */
function requireKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch (error) {
    if (!isSystemError(error, "MODULE_NOT_FOUND")) throw error;
    throw new Fault(
      "failed_precondition",
      'Cannot make system calls: the npm package "koffi" is not installed',
      {
        cause: error,
      },
    );
  }
}

/** The address of `memory`, to be put into a struct. The caller keeps `memory` referenced during the call. */
export function addressOf(memory: Uint8Array): bigint {
  return loaded().address(memory);
}

/** Calls `onReady` whenever `fd` becomes readable, for descriptors that Node has no stream for. Returns how to stop. */
export function onReadable(fd: number, onReady: () => void): () => void {
  const handle = loaded().node.poll(fd, { readable: true }, onReady);
  return () => handle.close();
}

export interface SystemCall<Arguments extends readonly NativeArgument[]> {
  /** Throws a `SystemError` when the result is -1. */
  (...args: Arguments): number;
  /** The result, or the negated errno: for failures that are answers. */
  raw(...args: Arguments): number;
  /** On a thread of libuv's pool: for calls that may block. Rejects as the plain call throws. */
  async(...args: Arguments): Promise<number>;
}

/**
 * Binds a function of libc, at its first use.
 * @param prototype in C, such as `int umount2(const char *target, int flags)`
 * @param name what errors call it; libc's name unless told
 */
export function systemCall<Arguments extends readonly NativeArgument[]>(
  prototype: string,
  name = /(\w+)\s*\(/.exec(prototype)?.[1] ?? prototype,
): SystemCall<Arguments> {
  let bound: NativeFunction | undefined;
  const bind = (): NativeFunction => {
    library ??= loaded().load(null);
    bound = library.func(prototype);
    return bound;
  };
  const call = (...args: Arguments): number => {
    const result = (bound ?? bind())(...args);
    if (result === -1) throw new SystemError(loaded().errno(), name, texts(args));
    return result;
  };
  const raw = (...args: Arguments): number => {
    const result = (bound ?? bind())(...args);
    return result === -1 ? -loaded().errno() : result;
  };
  const async = (...args: Arguments): Promise<number> =>
    new Promise((resolve, reject) => {
      (bound ?? bind()).async(...args, (error, result) => {
        if (error) reject(new Error(`Cannot call ${name}`, { cause: error }));
        else if (result === -1) reject(new SystemError(loaded().errno(), name, texts(args)));
        else resolve(result);
      });
    });
  return Object.assign(call, { raw, async });
}

/**
 * Binds a function of a library, whose result is as it is.
 * @param library its file or SONAME; null for what the node binary itself exports
 * @throws {Error} when the library, or the function in it, is not there
 */
export function libraryCall(
  library: string | null,
  prototype: string,
): (...args: readonly NativeArgument[]) => number {
  return loaded().load(library).func(prototype);
}

/** `path` as a C string. Text passes as it is, bytes get their final NUL. */
export function cString(path: Path): string | Uint8Array {
  return typeof path === "string" ? path : Buffer.concat([path, Buffer.of(0)]);
}

function texts(args: readonly NativeArgument[]): string[] {
  return args.filter((value) => typeof value === "string");
}

const codes = new Map<number, string>(Object.entries(constants.errno).map(([code, errno]) => [errno, code]));
// Two names share these numbers; Node's own errors use the first ones.
codes.set(11, "EAGAIN");
codes.set(95, "ENOTSUP");

function codeOfErrno(errno: number): string {
  return codes.get(errno) ?? unknownToNode.get(errno)?.[0] ?? `E${errno}`;
}

/** What mounting can end with, and Node has no name for. */
const unknownToNode = new Map<number, readonly [code: string, message: string]>([
  [15, ["ENOTBLK", "block device required"]],
  [117, ["EUCLEAN", "structure needs cleaning"]],
]);
