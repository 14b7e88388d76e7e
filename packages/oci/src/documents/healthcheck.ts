import type { HealthcheckConfig } from "../image.ts";
import type { JsonField } from "./json-field.ts";
import { optional } from "./descriptor.ts";
import { withUnknown } from "./with-unknown.ts";

/** Reads Docker's health check of a configuration. Durations are in nanoseconds; Docker refuses them below 0, too. */
export function readHealthcheck(field: JsonField): HealthcheckConfig {
  const duration = (name: string): number | undefined => field.get(name).integer({ min: 0 });
  return withUnknown(field, {
    Test: optional(field.get("Test"), (test) => test.texts()),
    Interval: duration("Interval"),
    Timeout: duration("Timeout"),
    StartPeriod: duration("StartPeriod"),
    StartInterval: duration("StartInterval"),
    Retries: field.get("Retries").integer({ min: 0 }),
  });
}
