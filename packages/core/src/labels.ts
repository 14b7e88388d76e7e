import { Fault } from "@slipway/fault/fault";

/** Names to values, as every object of containerd has them. */
export type Labels = Readonly<Record<string, string>>;

const maxLabelBytes = 4096;

/**
 * Key and value together may have 4,096 bytes: containerd's pkg/labels/validate.go. A key has at least one, as its
 * database wants it.
 * @throws {Fault} `invalid_argument`
 */
export function validateLabels(labels: Labels): void {
  for (const [key, value] of Object.entries(labels)) {
    if (key === "")
      throw new Fault(
        "invalid_argument",
        `failed to set label ""="${value}": key required: invalid argument`,
      );
    const length = Buffer.byteLength(key) + Buffer.byteLength(value);
    if (length <= maxLabelBytes) continue;
    const shown = key.length > 64 ? key.slice(0, 64) : key;
    throw new Fault(
      "invalid_argument",
      `label key and value length (${length} bytes) greater than maximum size (${maxLabelBytes} bytes), key: ${shown}: invalid argument`,
    );
  }
}
