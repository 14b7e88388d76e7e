import { Integrity } from "@slipway/api/slipway/services/integrity/v1/integrity_pb";
import type { IntegrityChecker } from "@slipway/core/integrity";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";
import { namespaceOf } from "./scope.ts";

export function integrityService(checker: IntegrityChecker): ServiceRegistration {
  return serve(Integrity, {
    async *check({ names }, context) {
      const { signal } = context;
      for await (const { name, damages } of checker.check(namespaceOf(context), names, { signal }))
        yield { name, damages: [...damages] };
    },
  });
}
