/**
 * The kinds of failure, one to one with containerd's error kinds and gRPC's status codes.
 * What each means: https://github.com/containerd/errdefs/blob/main/errors.go
 */
export type FaultCode =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

const brand = Symbol.for("slipway.fault");

/**
 * The one error type of Slipway, read by its code.
 *
 * The message says what could not be done, then why, with values in quotes. What another program
 * printed about it travels as `cause`.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  /** Structured extras that travel to the client as status details: plain data, or protobuf messages. */
  readonly details: readonly unknown[];

  constructor(code: FaultCode, message: string, options?: { cause?: unknown; details?: readonly unknown[] }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Fault";
    this.code = code;
    this.details = options?.details ?? [];
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for faults of another copy of this package, too: an application may load two. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && (value as Error & { [brand]?: boolean })[brand] === true;
  }
}

/**
 * The code of a thrown value: a fault's own, `canceled` or `deadline_exceeded` for an abort, that of a system call which
 * failed for want of room or of a file system that works, else `unknown`.
 */
export function codeOf(error: unknown): FaultCode {
  if (error instanceof Fault) return error.code;
  if (isSuppressed(error)) return codeOf(error.suppressed);
  if (error instanceof Error && error.name === "AbortError") return "canceled";
  if (error instanceof Error && error.name === "TimeoutError") return "deadline_exceeded";
  return systemCodeOf(error) ?? "unknown";
}

/** By the name of their errno: what no change of the request helps against, and a change of the machine does. */
const systemCodes: ReadonlyMap<unknown, FaultCode> = new Map([
  ["ENOSPC", "resource_exhausted"],
  ["EDQUOT", "resource_exhausted"],
  ["EMFILE", "resource_exhausted"],
  ["ENFILE", "resource_exhausted"],
  ["EROFS", "failed_precondition"],
  ["EIO", "unavailable"],
]);

function systemCodeOf(error: unknown): FaultCode | undefined {
  return error instanceof Error && "code" in error ? systemCodes.get(error.code) : undefined;
}

/** The errno's name, of those that codeOf() reads, of the system call whose failure is the first cause of `error`. */
export function systemCauseOf(error: unknown): string | undefined {
  if (isSuppressed(error)) return systemCauseOf(error.suppressed);
  if (error instanceof Fault) return systemCauseOf(error.cause);
  return error instanceof Error && "code" in error && systemCodes.has(error.code)
    ? String(error.code)
    : undefined;
}

/**
 * Names the file or directory where a system call found no room, or could not write: most say no more than "ENOSPC: no
 * space left on device, write". Any other error is returned as it is, and so is one that names it already.
 */
export function namingPlace(path: string, error: unknown): unknown {
  if (systemCauseOf(error) === undefined || messageOf(error).includes(path)) return error;
  return new Fault(codeOf(error), `${messageOf(error)} (in "${path}")`, { cause: error });
}

/** True when `error` has one of the codes. */
export function hasCode(error: unknown, ...codes: readonly FaultCode[]): boolean {
  return codes.includes(codeOf(error));
}

/** A scope was left by an error, and one of its disposals failed, too: what left it is the reason. */
function isSuppressed(error: unknown): error is { readonly error: unknown; readonly suppressed: unknown } {
  return error instanceof Error && error.name === "SuppressedError" && "suppressed" in error;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (isSuppressed(error)) return `${messageOf(error.suppressed)}; then ${messageOf(error.error)}`;
  return error instanceof Error ? error.message : String(error);
}

/**
 * Says what was being done when `error` happened, and keeps its code.
 *
 * @example throw during(`remove snapshot "${key}"`, error);
 */
export function during(action: string, error: unknown): Fault {
  const details = error instanceof Fault ? error.details : [];
  return new Fault(codeOf(error), `Cannot ${action}: ${messageOf(error)}`, { cause: error, details });
}
