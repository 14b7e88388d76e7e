import { familiarReference, parseFamiliarReference } from "@slipway/oci/reference";

/** An image's name as people type it, `busybox:latest`; what is no such name stays as it is. */
export function familiar(name: string): string {
  try {
    return familiarReference(parseFamiliarReference(name));
  } catch {
    return name;
  }
}
