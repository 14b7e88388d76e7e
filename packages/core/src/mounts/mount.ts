/** A mount as the daemon hands it to clients and shims: what mount(8) would be told. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  /** Below the root of the mounts; the root itself unless told. */
  readonly target?: string;
  readonly options: readonly string[];
}
