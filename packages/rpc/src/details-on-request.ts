import { Fault } from "@slipway/fault/fault";
import type { CallContext } from "./service.ts";

/**
 * By this header a client says that it wants details of failures. containerd's own clients append what they do not know
 * to the message (errdefs, errgrpc.ToNative), so they must not get any.
 */
export const detailsHeader = "slipway-error-details";

/** The same unary handlers, whose failures have details only for clients that ask. */
export function detailsOnRequest<H extends object>(handlers: H): H {
  type Handler = (request: unknown, context: CallContext) => unknown;
  const wrapped = Object.entries(handlers as Record<string, Handler>).map(([name, handler]) => {
    const call: Handler = async (request, context) => {
      try {
        return await handler(request, context);
      } catch (error) {
        throw context.metadata.get(detailsHeader) === undefined ? withoutDetails(error) : error;
      }
    };
    return [name, call] as const;
  });
  return Object.fromEntries(wrapped) as H;
}

function withoutDetails(error: unknown): unknown {
  if (!(error instanceof Fault) || error.details.length === 0) return error;
  return new Fault(error.code, error.message, { cause: error.cause });
}
