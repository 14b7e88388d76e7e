import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";

/** What is said of a blob that is not what its name says. */
export function mismatch({ digest }: Descriptor, received: string): Fault {
  return new Fault("data_loss", `Cannot verify blob ${digest}: received ${received}`);
}
