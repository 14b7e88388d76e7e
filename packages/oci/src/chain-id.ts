import { type Digest, digestOf } from "./digest.ts";

/**
 * The chain ids of a stack of layers, lowest first: each names its layer together with everything below.
 * https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
 */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  let below: Digest | undefined;
  return diffIds.map((diffId) => (below = below === undefined ? diffId : digestOf(`${below} ${diffId}`)));
}
