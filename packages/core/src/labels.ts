import { Fault } from "@slipway/fault/fault";

/** Names to values, as every object of containerd has them. */
export type Labels = Readonly<Record<string, string>>;

/** What name and value of a label may have together: containerd's pkg/labels/validate.go. */
export const maxLabelBytes = 4096;

/** Whether a label is within the bounds of validateLabels. */
export function fitsLabel(key: string, value: string): boolean {
  return key !== "" && bytesOf(key, value) <= maxLabelBytes;
}

function bytesOf(key: string, value: string): number {
  return Buffer.byteLength(key) + Buffer.byteLength(value);
}

/** What containerd, nerdctl, Kubernetes and slipway act upon. Names are compared as they are: so do those programs. */
const reserved =
  /^(?:containerd\.io|io\.containerd|io\.cri-containerd|io\.kubernetes\.cri|nerdctl|slipway)[./-]/;

/** Whether programs act upon a label: a user may set it, an image must not. */
export function isReservedLabel(name: string): boolean {
  return reserved.test(name);
}

/**
 * The labels that a container has from its image: not those that programs act upon, and not those that are too long for a
 * container, as containerd's internal/cri/util.BuildLabels has it. The image's configuration has them all.
 */
export function labelsFromImage(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(([name, value]) => !isReservedLabel(name) && fitsLabel(name, value)),
  );
}

/** Clients of containerd add to the same lists, and give up where one would become too long: they have room. */
const maxListBytes = maxLabelBytes / 2;

/**
 * A label that lists items between commas, with one more in it. When they are too long together, others go before the new
 * one does: it is the latest.
 * @returns no label if the item alone is too long
 */
export function withListItem(labels: Labels, key: string, item: string): Labels {
  const others = (labels[key]?.split(",") ?? []).filter((other) => other !== "" && other !== item);
  for (let first = 0; first < others.length; first += 1) {
    const value = [...new Set([...others.slice(first), item])].toSorted().join(",");
    if (bytesOf(key, value) <= maxListBytes) return { [key]: value };
  }
  return fitsLabel(key, item) ? { [key]: item } : {};
}

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
