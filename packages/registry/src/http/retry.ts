import type { HttpResponse } from "./response.ts";
import { setTimeout as delay } from "node:timers/promises";
import { hasCode, messageOf } from "@slipway/fault/fault";
import type { HostHealth } from "./host-health.ts";

const attempts = 5;
const firstDelayMs = 100;
const maxDelayMs = 10_000;
/** Whoever asks for more is not waited for. */
const maxRetryAfterMs = 60_000;

/**
 * Sends again after a failed connection, 429 or 5xx, later each time and at random within that. A Retry-After of up to a
 * minute holds for everyone who asks the host; a longer one ends the attempts.
 */
export async function withRetries(
  once: () => Promise<HttpResponse>,
  health: HostHealth,
  signal?: AbortSignal,
): Promise<HttpResponse> {
  health.check();
  for (let attempt = 1; ; attempt += 1) {
    await health.ready(signal);
    try {
      const response = await once();
      const status = response.statusCode ?? 0;
      if (!isPassing(status)) {
        health.worked();
        return response;
      }
      if (status !== 429) health.failed(`${status} ${response.statusMessage ?? ""}`);
      const askedMs = retryAfterMs(response.headers["retry-after"]) ?? 0;
      if (attempt === attempts || askedMs > maxRetryAfterMs) return response;
      health.pause(askedMs);
      response.resume();
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      health.failed(messageOf(error));
      if (attempt === attempts) throw error;
    }
    await backoff(attempt, signal);
  }
}

/** Waits before the next attempt. */
export async function backoff(attempt: number, signal?: AbortSignal): Promise<void> {
  const waitMs = Math.min(firstDelayMs * 2 ** (attempt - 1), maxDelayMs) * (0.5 + Math.random());
  await delay(waitMs, undefined, signal ? { signal } : {});
}

/** What may be otherwise the next time. */
function isPassing(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}
