import { hasCode } from "@slipway/fault/fault";

/**
 * What a list shows of one of its entries; undefined if a document of the entry, which may be any client's, is not what it
 * must be. The list goes on.
 */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, "invalid_argument", "resource_exhausted")) return undefined;
    throw error;
  }
}
