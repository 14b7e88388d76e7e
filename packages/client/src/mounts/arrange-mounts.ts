import { Fault } from "@slipway/fault/fault";
import type { MountRequest } from "./mount-request.ts";

export interface MountSources {
  /** What the user asks for: two at one place are refused. */
  readonly requested: readonly MountRequest[];
  /** What the image and the house bring: a request for the same place replaces it. */
  readonly given: readonly MountRequest[];
  /** Where a target leads in the container's root file system. */
  readonly resolve: (target: string) => string;
}

/**
 * The mounts of a container in their order: a parent before what is below it, so that none hides another.
 * @throws {Fault} `invalid_argument` if two are requested at one place, be it by way of a symlink
 */
export function arrangeMounts({ requested, given, resolve }: MountSources): MountRequest[] {
  const places = new Map<string, MountRequest>();
  for (const request of requested) {
    const place = resolve(request.target);
    const other = places.get(place);
    if (other) refuseTwo(request.target, other.target);
    if (place === "/") {
      throw new Fault(
        "invalid_argument",
        `Cannot mount at "${request.target}": it leads to the root directory`,
      );
    }
    places.set(place, request);
  }
  for (const request of given) {
    const place = resolve(request.target);
    if (place !== "/" && !places.has(place)) places.set(place, request);
  }
  const depth = (place: string): number => place.split("/").length;
  return [...places].toSorted(([a], [b]) => depth(a) - depth(b)).map(([, request]) => request);
}

function refuseTwo(target: string, other: string): never {
  const why = target === other ? "two mounts have this target" : `"${other}" is the same place`;
  throw new Fault("invalid_argument", `Cannot mount at "${target}": ${why}`);
}
