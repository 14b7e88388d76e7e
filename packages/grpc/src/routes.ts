import type { DescMethod } from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import type { CallContext, ServiceRegistration } from "@slipway/rpc/service";

/** One method and who serves it, without their types: the request is decoded by `method`. */
export interface Route {
  readonly method: DescMethod;
  readonly handler: (request: never, context: CallContext) => unknown;
}

/** Finds who serves `/package.Service/Method`; fails with `unimplemented` as Go's servers word it. */
export function routesOf(services: readonly ServiceRegistration[]): (path: string) => Route {
  const routes = new Map<string, Route>();
  const known = new Set<string>();
  for (const { service, handlers } of services) {
    known.add(service.typeName);
    for (const method of service.methods) {
      const handler = (handlers as Readonly<Record<string, Route["handler"] | undefined>>)[method.localName];
      if (handler) routes.set(`/${service.typeName}/${method.name}`, { method, handler });
    }
  }
  return (path) => {
    const route = routes.get(path);
    if (route) return route;
    const [, service = "", method = ""] = path.split("/");
    throw new Fault(
      "unimplemented",
      known.has(service) ? `unknown method ${method} for service ${service}` : `unknown service ${service}`,
    );
  };
}
