import { setTimeout as delay } from "node:timers/promises";
import { hasCode, messageOf } from "@slipway/fault/fault";
import { drain } from "./drain.ts";
import type { HostHealth } from "./host-health.ts";
import { headerOf, type HttpResponse } from "./response.ts";

export interface RetryOptions {
  readonly health: HostHealth;
  /** About how long to wait before the first retry; each later one waits twice as long. */
  readonly retryDelayMs: number;
  readonly signal?: AbortSignal;
}

const attempts = 5;
const maxDelayMs = 10_000;
/** A host that asks for more, in all attempts together, is not waited for. */
const maxRetryAfterMs = 60_000;

/**
 * Sends again after a failed connection, 429 or 5xx, later each time and at random within that. A Retry-After of up to a
 * minute is heeded, of 429 by everyone who asks the host; a longer one ends the attempts.
 */
export async function withRetries(
  once: () => Promise<HttpResponse>,
  { health, retryDelayMs, signal }: RetryOptions,
): Promise<HttpResponse> {
  using call = health.enter(attempts);
  let waitsMs = maxRetryAfterMs;
  for (let attempt = 1; ; attempt += 1) {
    await health.ready(signal);
    let askedMs = 0;
    try {
      const response = await once();
      health.answered();
      const status = response.statusCode ?? 0;
      if (!isPassing(status)) return response;
      askedMs = retryAfterMs(headerOf(response, "retry-after")) ?? 0;
      waitsMs -= askedMs;
      if (attempt >= call.attempts || waitsMs < 0) return response;
      if (status === 429) health.pause(askedMs);
      drain(response);
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      health.failed(messageOf(error));
      if (attempt >= call.attempts) throw error;
    }
    await backoff(attempt, retryDelayMs, signal, askedMs);
  }
}

/** Waits before the next attempt: longer after each, and no less than `leastMs`. */
export async function backoff(
  attempt: number,
  retryDelayMs: number,
  signal?: AbortSignal,
  leastMs = 0,
): Promise<void> {
  const ownMs = Math.min(retryDelayMs * 2 ** (attempt - 1), maxDelayMs) * (0.5 + Math.random());
  await delay(Math.max(ownMs, leastMs), undefined, signal ? { signal } : {});
}

/** What may be otherwise the next time. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** In seconds, or as a date: RFC 9110, section 10.2.3. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}
