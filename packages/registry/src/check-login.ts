import { Fault } from "@slipway/fault/fault";
import { Authorizer } from "./auth/authorize.ts";
import type { Credentials } from "./auth/credentials.ts";
import { endpointsOf, type HostsOptions } from "./hosts/endpoints.ts";
import { drain } from "./http/drain.ts";
import { failureOf, readBody } from "./http/failure.ts";
import { HostHealth } from "./http/host-health.ts";
import { isPage, pageInstead } from "./http/page.ts";
import type { HttpResponse } from "./http/response.ts";
import { withRetries } from "./http/retry.ts";
import { isSameServer, send } from "./http/send.ts";

const maxAnswerBytes = 1024 * 1024;

/**
 * Asks a registry whether it takes credentials, without any repository: https://distribution.github.io/distribution/spec/api/,
 * "API Version Check".
 * @throws {Fault} `unauthenticated` when it does not
 */
export async function checkLogin(
  host: string,
  credentials: Credentials,
  options: HostsOptions,
): Promise<void> {
  const endpoint = (await endpointsOf(host, options)).find(({ isMirror }) => !isMirror);
  if (!endpoint) throw new Fault("not_found", `Cannot log in to "${host}": it has no endpoint of its own`);
  const url = new URL(`${endpoint.base}/`);
  const source = { origin: credentials.origin, find: async () => credentials };
  const authorizer = new Authorizer(new URL(endpoint.base), endpoint.link, source);
  const { link } = endpoint;
  const { origin } = new URL(endpoint.base);
  const retry = { health: HostHealth.of(origin), retryDelayMs: link.retryDelayMs };
  const ask = async (): Promise<HttpResponse> =>
    await withRetries(
      async () =>
        await send({
          method: "GET",
          url,
          link,
          headers: { "user-agent": "slipway" },
          authorize: async (to) => (isSameServer(to, url, link) ? await authorizer.headerFor([]) : undefined),
        }),
      retry,
    );
  const what = `log in to "${host}"`;
  let response = await ask();
  const challenge = response.headersDistinct["www-authenticate"]?.join(", ");
  const { answeredUrl } = response.exchange;
  if (response.statusCode === 401 && challenge !== undefined && isSameServer(answeredUrl, url, link)) {
    drain(response);
    await authorizer.answer(challenge, answeredUrl, [], undefined);
    response = await ask();
  }
  if (response.statusCode !== 200) {
    const fault = await failureOf(response, what);
    throw response.statusCode === 401 ? new Fault("unauthenticated", fault.message) : fault;
  }
  const body = await readBody(response, maxAnswerBytes);
  if (isPage(body)) throw pageInstead(response, what, "what a registry says", body);
}
