import { Fault } from "@slipway/fault/fault";

/* containerd's texts end with the kind of error: programs look for it. */

export function notFound(what: string): Fault {
  return new Fault("not_found", `${what}: not found`);
}

export function alreadyExists(what: string): Fault {
  return new Fault("already_exists", `${what}: already exists`);
}

export function invalidArgument(what: string): Fault {
  return new Fault("invalid_argument", `${what}: invalid argument`);
}

export function failedPrecondition(what: string): Fault {
  return new Fault("failed_precondition", `${what}: failed precondition`);
}
