import {
  canonicalName,
  familiarReference,
  parseFamiliarReference,
  parseReference,
} from "@slipway/oci/reference";

/** An image's name as people type it, `busybox:latest`. A name that this form does not lead back to stays as it is stored. */
export function familiar(name: string): string {
  try {
    return canonicalName(name) === name ? familiarReference(parseFamiliarReference(name)) : name;
  } catch {
    return name;
  }
}

/** Whether what people typed means the image that is stored under a name. */
export function isNameOf(name: string, text: string): boolean {
  if (name === text) return true;
  try {
    return name === canonicalName(text);
  } catch {
    return false;
  }
}

/** What lists show of a name. Other clients may have stored one that is no reference. */
export function splitName(name: string): { readonly repository: string; readonly tag: string } {
  try {
    const { tag, digest: _, ...named } = parseReference(name);
    const isFamiliar = familiar(name) !== name;
    return {
      repository: isFamiliar ? familiarReference(named) : `${named.host}/${named.repository}`,
      tag: tag ?? "<none>",
    };
  } catch {
    return { repository: name, tag: "<none>" };
  }
}
