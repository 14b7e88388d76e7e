import { Fault } from "@slipway/fault/fault";
import { Authorizer } from "./auth/authorize.ts";
import type { Credentials } from "./auth/credentials.ts";
import { endpointsOf, type HostsOptions } from "./hosts/endpoints.ts";
import { failureOf } from "./http/failure.ts";
import { send } from "./http/send.ts";

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
  const ask = async (header?: string): ReturnType<typeof send> =>
    await send({
      method: "GET",
      url,
      link: endpoint.link,
      headers: { "user-agent": "slipway", ...(header === undefined ? {} : { authorization: header }) },
    });
  let response = await ask();
  const challenge = response.headers["www-authenticate"];
  if (response.statusCode === 401 && challenge !== undefined) {
    response.resume();
    await authorizer.answer(challenge, [], undefined);
    response = await ask(await authorizer.headerFor([]));
  }
  if (response.statusCode === 200) return void response.resume();
  const fault = await failureOf(response, `log in to "${host}"`);
  throw response.statusCode === 401 ? new Fault("unauthenticated", fault.message) : fault;
}
