import { once } from "node:events";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "@slipway/api/grpc/health/v1/health_pb";
import { Fault } from "@slipway/fault/fault";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";

/**
 * The standard health service. The daemon answers once all services are there, so it serves until `stopping` aborts.
 * @param services the full names of the services it knows
 */
export function healthService(
  services: () => ReadonlySet<string>,
  stopping: AbortSignal,
): ServiceRegistration {
  const known = (service: string): boolean => service === "" || services().has(service);
  return serve(Health, {
    check({ service }) {
      if (!known(service)) throw new Fault("not_found", "unknown service");
      return { status: stopping.aborted ? Serving.NOT_SERVING : Serving.SERVING };
    },
    async *watch({ service }, { signal }) {
      if (!known(service)) yield { status: Serving.SERVICE_UNKNOWN };
      else if (!stopping.aborted) {
        yield { status: Serving.SERVING };
        await once(stopping, "abort", { signal });
        yield { status: Serving.NOT_SERVING };
      }
      if (!signal.aborted) await once(signal, "abort");
    },
  });
}
