import { manyPlugins } from "@slipway/core/plugin";
import type { ServiceRegistration } from "@slipway/rpc/service";

/* containerd splits an API in two plugins, what it does and what serves it; programs look for both names. */
export const ServicePlugin = manyPlugins<ServiceRegistration>("io.containerd.service.v1");
export const GrpcPlugin = manyPlugins<readonly ServiceRegistration[]>("io.containerd.grpc.v1");
export const TtrpcPlugin = manyPlugins<readonly ServiceRegistration[]>("io.containerd.ttrpc.v1");
