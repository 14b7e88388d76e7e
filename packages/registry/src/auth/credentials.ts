/** What to log in with. `origin` is the file or program that it came from: a refusal names it. */
export type Credentials = { readonly origin: string } & (
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, as `docker login` calls an "identity token". */
  | { readonly kind: "identity-token"; readonly token: string }
  /** The value of the Authorization header itself. */
  | { readonly kind: "header"; readonly value: string }
);

/** Finds credentials of a host. */
export interface CredentialSource {
  /** Where it looks, in words for the user who wonders why there were none. */
  readonly origin: string;
  /** Nothing means anonymously. */
  find(host: string): Promise<Credentials | undefined>;
}

/** The first that several sources have. */
export function firstOf(sources: readonly CredentialSource[]): CredentialSource {
  return {
    origin: sources.map(({ origin }) => origin).join(", "),
    async find(host) {
      for (const source of sources) {
        const found = await source.find(host);
        if (found) return found;
      }
      return undefined;
    },
  };
}
