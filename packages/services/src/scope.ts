import { Fault, messageOf } from "@slipway/fault/fault";
import { validateIdentifier } from "@slipway/core/identifiers";
import type { Scope, MetadataStores, ScopedStores } from "@slipway/core/stores";
import type { CallContext } from "@slipway/rpc/service";

/*
 * What a call's headers say. gRPC and ttrpc name the namespace differently; a client of either is answered alike.
 */
const namespaceHeaders = ["containerd-namespace", "containerd-namespace-ttrpc"] as const;
const leaseHeader = "containerd-lease";

/** The call's namespace, if it names one. */
function namespaceHeader({ metadata }: CallContext): string | undefined {
  for (const header of namespaceHeaders) {
    const value = metadata.get(header);
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** @throws {Fault} `failed_precondition` when the call names none, `invalid_argument` when it is malformed */
export function namespaceOf(context: CallContext): string {
  const namespace = namespaceHeader(context);
  if (namespace === undefined) {
    throw new Fault("failed_precondition", "namespace is required: failed precondition");
  }
  try {
    validateIdentifier(namespace);
  } catch (error) {
    throw new Fault("invalid_argument", `namespace validation: ${messageOf(error)}`, { cause: error });
  }
  return namespace;
}

/** The call's namespace and lease. @throws {Fault} as namespaceOf() */
export function scopeOf(context: CallContext): Scope {
  const namespace = namespaceOf(context);
  const lease = context.metadata.get(leaseHeader);
  return lease === undefined || lease === "" ? { namespace } : { namespace, lease };
}

/** The stores that the call may see. @throws {Fault} as namespaceOf() */
export function storesOf(stores: MetadataStores, context: CallContext): ScopedStores {
  return stores.scoped(scopeOf(context));
}
