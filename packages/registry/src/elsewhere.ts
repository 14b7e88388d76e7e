import { hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { checkAnswer } from "./fetch/open-range.ts";
import { allCapabilities } from "./hosts/endpoint.ts";
import { type HostsOptions, linkOf } from "./hosts/endpoints.ts";
import { drain } from "./http/drain.ts";
import { readAddress } from "./http/location.ts";
import type { HttpResponse } from "./http/response.ts";
import { type CallOptions, Session } from "./session.ts";

/** Nobody's login is for an address that an image names. */
const anonymous = { origin: "nowhere: the image names the address", find: async () => undefined };

/**
 * Asks for a blob at the addresses that its descriptor names, before the registry is asked: layers that are not to be
 * distributed are where their maker has them. Neither logins nor configured headers are sent there, and what comes is verified
 * as everything is. containerd's core/remotes/docker/fetcher.go, except that an address which cannot be reached does not keep
 * the registry from being asked.
 * @returns undefined if none of them has it
 */
export async function fetchElsewhere(
  target: Descriptor,
  call: CallOptions,
  options: HostsOptions,
): Promise<HttpResponse | undefined> {
  for (const text of target.urls ?? []) {
    const url = readAddress(text);
    if (!url) continue;
    try {
      const response = await sessionFor(url, options).call("GET", url, call);
      if (response.statusCode === 200 || response.statusCode === 206) {
        checkAnswer(response, target);
        return response;
      }
      drain(response);
    } catch (error) {
      if (!hasCode(error, "unavailable", "unauthenticated", "failed_precondition")) throw error;
    }
  }
  return undefined;
}

function sessionFor({ origin, host }: URL, options: HostsOptions): Session {
  const link = linkOf(options);
  const common = { capabilities: allCapabilities, headers: {}, isMirror: false };
  return new Session({ key: origin, base: origin, link, ...common }, host, "", { credentials: anonymous });
}
