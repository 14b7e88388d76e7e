import { Version } from "@slipway/api/containerd/services/version/v1/version_pb";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";

export function versionService(daemon: {
  readonly version: string;
  readonly revision: string;
}): ServiceRegistration {
  return serve(Version, { version: () => ({ version: daemon.version, revision: daemon.revision }) });
}
