import type { IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { hasCode } from "@slipway/fault/fault";

const attempts = 5;
const firstDelayMs = 100;
const maxDelayMs = 10_000;

/** Sends again after a failed connection, 429 or 5xx, later each time; Retry-After is respected up to 10 seconds. */
export async function withRetries(
  once: () => Promise<IncomingMessage>,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  for (let attempt = 1; ; attempt += 1) {
    let waitMs = firstDelayMs * 2 ** (attempt - 1) * (0.5 + Math.random());
    try {
      const response = await once();
      const status = response.statusCode ?? 0;
      if ((status !== 429 && status < 500) || attempt === attempts) return response;
      waitMs = retryAfterMs(response.headers["retry-after"]) ?? waitMs;
      response.resume();
    } catch (error) {
      if (!hasCode(error, "unavailable") || attempt === attempts) throw error;
    }
    await delay(Math.min(waitMs, maxDelayMs), undefined, signal ? { signal } : {});
  }
}

function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}
