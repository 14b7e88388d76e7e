import type { Image } from "@slipway/core/images";

/** Whether an image has a label, by Docker's filter: `name` or `name=value`. */
export function hasLabel({ labels }: Pick<Image, "labels">, filter: string): boolean {
  const [name = "", wanted] = filter.split(/=(.*)/s);
  const has = labels[name];
  return has !== undefined && (wanted === undefined || has === wanted);
}
