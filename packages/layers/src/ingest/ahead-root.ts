/** What the root of an image has that is made before there is a snapshot: the attributes that most snapshots' roots have. */
export const aheadRoot = { uid: 0, gid: 0, mode: 0o755 } as const;
