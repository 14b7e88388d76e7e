import type { OutgoingHttpHeaders } from "node:http";
import type { CredentialSource } from "../auth/credentials.ts";
import type { Link } from "../http/send.ts";

/** What a host may be asked to do. */
export type Capability = "pull" | "resolve" | "push" | "referrers";

export const allCapabilities: ReadonlySet<Capability> = new Set(["pull", "resolve", "push", "referrers"]);

/** A host that serves the images of a namespace, such as `docker.io`: the registry itself, or a mirror. */
export interface Endpoint {
  /** Differs when anything of the configuration does. */
  readonly key: string;
  /** Where the API begins: `https://registry-1.docker.io/v2`. */
  readonly base: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly link: Link;
  readonly headers: OutgoingHttpHeaders;
  /** A mirror is told whose images are meant. */
  readonly isMirror: boolean;
  readonly credentials?: CredentialSource;
}
