import { type Labels, validateLabels } from "@slipway/core/labels";
import { Fault, messageOf } from "@slipway/fault/fault";

/** @throws {Fault} `invalid_argument` as containerd says it of blobs and snapshots */
export function checkInfoLabels(labels: Labels): void {
  try {
    validateLabels(labels);
  } catch (error) {
    throw new Fault("invalid_argument", `info.Labels: ${messageOf(error)}`, { cause: error });
  }
}
