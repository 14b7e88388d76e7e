import type { Client } from "@slipway/client/client";

/** Whether our own daemon answers, which does more by itself than others. */
export async function isSlipwayd(client: Client): Promise<boolean> {
  return (await client.introspection.version()).version.includes("slipway");
}
