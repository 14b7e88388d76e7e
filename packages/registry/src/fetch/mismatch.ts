import { Fault } from "@slipway/fault/fault";
import type { Digest } from "@slipway/oci/digest";

/** What is said of a blob that is not what its name says. `from` is who answered with it, if anybody has answered. */
export function mismatch(digest: Digest, received: string, from: string | undefined): Fault {
  const who = from === undefined ? "received" : `${from} answered with`;
  return new Fault("data_loss", `Cannot verify blob ${digest}: ${who} ${received}`);
}
