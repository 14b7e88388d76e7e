import { isIP } from "node:net";

/** What a resolver is told: resolv.conf(5). */
export interface Resolver {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** Reads an /etc/resolv.conf as the C library does: of `search` and `domain` the last line is used. */
export function parseResolvConf(text: string): Resolver {
  const lines = text.split("\n").map((line) =>
    line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/),
  );
  const wordsOf = (key: string): readonly string[][] =>
    lines.filter(([first]) => first === key).map(([, ...rest]) => rest);
  const domains = lines.filter(([first]) => first === "search" || first === "domain");
  return {
    servers: wordsOf("nameserver").flatMap(([server]) => (server === undefined ? [] : [server])),
    searches: domains.at(-1)?.slice(1) ?? [],
    options: wordsOf("options").flat(),
  };
}

export function formatResolvConf({ servers, searches, options }: Resolver): string {
  return [
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(searches.length > 0 ? [`search ${searches.join(" ")}\n`] : []),
    ...(options.length > 0 ? [`options ${options.join(" ")}\n`] : []),
  ].join("");
}

/** Whether a name server is this machine's own, which a container with a network of its own does not reach. */
export function isLoopback(server: string): boolean {
  const [address = ""] = server.split("%");
  return isIP(address) === 4 ? address.startsWith("127.") : address === "::1";
}
