import { cleanup } from "@slipway/fault/cleanup";
import { hasCode } from "@slipway/fault/fault";
import type { Client } from "../connect/client.ts";

/** Should the client die, the collector may have what it left behind after this time. */
const expiresAfterMs = 24 * 3600 * 1000;

/** A client whose work is held by a lease. Leaving its scope gives the lease back. */
export interface Leased extends AsyncDisposable {
  readonly client: Client;
}

export async function leased(client: Client): Promise<Leased> {
  const expire = new Date(Date.now() + expiresAfterMs).toISOString().replace(/\.\d+Z$/, "Z");
  const { id } = await client.leases.create({ labels: { "containerd.io/gc.expire": expire } });
  return {
    client: client.withLease(id),
    async [Symbol.asyncDispose]() {
      await cleanup(() => client.leases.delete(id)).catch((error: unknown) => {
        if (!hasCode(error, "not_found")) throw error;
      });
    },
  };
}
