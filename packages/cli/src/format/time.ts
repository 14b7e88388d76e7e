/** How long, in Docker's words: `Less than a second`, `About a minute`, `3 weeks`. Input in milliseconds. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

/** Go's zero time, which tools write that make the same image each time. */
const zeroTimeMs = Date.parse("0001-01-01T00:00:00Z");

/** `2 minutes ago`; `N/A` for Go's zero time, as in Docker. */
export function formatAge(since: Date, now = new Date()): string {
  if (since.getTime() <= zeroTimeMs) return "N/A";
  return `${formatDuration(now.getTime() - since.getTime())} ago`;
}
