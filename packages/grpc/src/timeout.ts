const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
/** Node's timers do not go further. */
const longestMs = 2 ** 31 - 1;

/** The header `grpc-timeout`, such as `10S`, in milliseconds: nothing when the caller waits for ever. */
export function parseTimeout(header: string | string[] | undefined): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(header ?? "")) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Math.min(Math.ceil(Number(digits) * (unitMs[unit] ?? 1)), longestMs);
}

/** The header for a deadline in `milliseconds` from now, at most eight digits long. */
export function formatTimeout(milliseconds: number): string {
  const whole = Math.max(0, Math.ceil(milliseconds));
  return whole < 1e8 ? `${whole}m` : `${Math.min(Math.ceil(whole / 1000), 99_999_999)}S`;
}
