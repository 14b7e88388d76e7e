import { readFile } from "node:fs/promises";
import { Fault, messageOf } from "@slipway/fault/fault";
import { askCredentialHelper } from "../auth/credential-helper.ts";
import type { Credentials, CredentialSource } from "../auth/credentials.ts";
import type { Login } from "./hosts-file.ts";

/** Looks up what a hosts.toml says about logging in, each time anew: secrets are rotated. */
export function loginSource(login: Login, origin: string): CredentialSource {
  return {
    origin,
    async find(host): Promise<Credentials | undefined> {
      switch (login.kind) {
        case "helper": {
          const found = await askCredentialHelper(login.name, host);
          return found && { ...found, origin: `${found.origin} named in ${origin}` };
        }
        case "identity-token":
          return { kind: "identity-token", token: await readSecret(login.file, origin), origin: login.file };
        case "password": {
          const password = await readSecret(login.file, origin);
          return { kind: "password", username: login.username, password, origin };
        }
      }
    },
  };
}

async function readSecret(file: string, origin: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw new Fault("unauthenticated", `Cannot read what ${origin} names: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
