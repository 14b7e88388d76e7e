/** The newest version of the specification that this package speaks. */
export const currentVersion = "1.1.0";

/** What a configuration without a version means. */
export const oldestVersion = "0.1.0";

/** The three numbers of a version such as `0.4.0`; undefined for another text. */
export function versionNumbers(version: string): readonly number[] | undefined {
  const match = /^(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?$/.exec(version);
  return match?.slice(1).map((digits) => Number(digits ?? 0));
}

/** Whether `version` is `least` or newer. Both are versions: a network's is checked when it is read. */
export function isAtLeast(version: string, least: string): boolean {
  return compareVersions(version, least) >= 0;
}

/** Negative if `left` is older than `right`, positive if it is newer. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [versionNumbers(left) ?? [], versionNumbers(right) ?? []];
  for (let index = 0; index < 3; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
