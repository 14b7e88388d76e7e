// Also with what stands before it when namespaces keep their snapshots apart.
const extractKey = /(?:^|\/)extract-[^/ ]+ \S+$/;

/** Whether a snapshot's key is one that containerd's clients give to what they apply a layer to and commit. They do not look into it in between. */
export function isExtractKey(key: string): boolean {
  return extractKey.test(key);
}
