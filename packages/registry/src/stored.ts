import type { Descriptor } from "@slipway/oci/descriptor";
import { algorithmOf, type Digest } from "@slipway/oci/digest";
import { drain } from "./http/drain.ts";
import { pageInstead, saysPage } from "./http/page.ts";
import { headerOf, type HttpResponse } from "./http/response.ts";
import { checkedDigest } from "./manifest.ts";
import type { Session } from "./session.ts";

/**
 * Whether an answer to HEAD says that the registry has a blob or a manifest. A login page that answers everything with 200
 * would have it all; one that has other bytes under that name does not have it.
 * @throws {Fault} `failed_precondition` when a page answers
 */
export function claimsToHave(response: HttpResponse, { digest, size }: Descriptor): boolean {
  const length = headerOf(response, "content-length");
  const isSame = length === undefined || length === "0" || length === String(size);
  if (saysPage(response) && !(isSame && length === String(size))) {
    throw pageInstead(response, `look for ${digest}`, "what a registry says");
  }
  const said = headerOf(response, "docker-content-digest") ?? "";
  // By another algorithm it may well be the same thing.
  return isSame && (!said.startsWith(`${algorithmOf(digest)}:`) || said === digest);
}

/**
 * Checks that a registry stored what was sent: it says so with a status, and may name the digest. 201 is the specification's
 * status; containerd takes the others as well.
 * @throws {Fault} the registry's failure; `data_loss` when it stored something else, `failed_precondition` when a page answers
 */
export async function checkStored(
  session: Session,
  response: HttpResponse,
  what: string,
  digest: Digest,
): Promise<void> {
  if (![200, 201, 202, 204].includes(response.statusCode ?? 0)) throw await session.failure(response, what);
  drain(response);
  if (response.statusCode === 200 && saysPage(response)) {
    throw pageInstead(response, what, "what a registry says");
  }
  checkedDigest(response, digest, what);
}
