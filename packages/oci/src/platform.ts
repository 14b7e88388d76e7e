import { Fault } from "@slipway/fault/fault";

/** An operating system and a CPU, in the words of the image spec's index. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
}

const architectureAlias: Readonly<Record<string, { architecture: string; variant?: string }>> = {
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  x64: { architecture: "amd64" },
  i386: { architecture: "386" },
  ia32: { architecture: "386" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};

/** Folds aliases and default variants together, as https://github.com/containerd/platforms does; no system is this machine's. */
export function normalizePlatform(platform: Platform): Platform {
  const named = platform.os.toLowerCase() || process.platform;
  const os = named === "macos" ? "darwin" : named;
  const alias = architectureAlias[platform.architecture.toLowerCase()];
  const architecture = alias?.architecture ?? platform.architecture.toLowerCase();
  let variant: string | undefined = platform.variant?.toLowerCase() || alias?.variant;
  if (architecture === "arm64" && (variant === "8" || variant === "v8")) variant = undefined;
  if (architecture === "amd64" && variant === "v1") variant = undefined;
  if (architecture === "arm") variant = variant ? (/^\d$/.test(variant) ? `v${variant}` : variant) : "v7";
  const { variant: _, ...rest } = platform;
  return { ...rest, os, architecture, ...(variant ? { variant } : {}) };
}

/** The platform alone of what has one among other things, such as an image's configuration. */
export function platformOf(of: Platform): Platform {
  const { os, architecture, variant, "os.version": version, "os.features": features } = of;
  return {
    os,
    architecture,
    ...(variant ? { variant } : {}),
    ...(version === undefined ? {} : { "os.version": version }),
    ...(features === undefined ? {} : { "os.features": features }),
  };
}

/** The platform that this process runs on. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: process.platform, architecture: process.arch });
}

/**
 * Parses `os`, `architecture`, `os/architecture` or `os/architecture/variant`.
 * @throws {Fault} `invalid_argument`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  if (parts.length > 3 || parts.some((part) => !/^[A-Za-z0-9_.()-]+$/.test(part))) {
    throw new Fault("invalid_argument", `"${text}": invalid argument: invalid platform`);
  }
  const [first = "", second, variant] = parts;
  if (second !== undefined) {
    return normalizePlatform({ os: first, architecture: second, ...(variant ? { variant } : {}) });
  }
  const knownOs = /^(linux|windows|darwin|macos|freebsd|android|wasi)$/i.test(first);
  const host = hostPlatform();
  return normalizePlatform(knownOs ? { ...host, os: first } : { os: host.os, architecture: first });
}

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalizePlatform(platform);
  return [os, architecture, ...(variant ? [variant] : [])].join("/");
}

/**
 * How well a host that wants `wanted` is served by `offered`: 0 is exact, larger is worse, undefined is no match.
 * An older variant of the same CPU runs on a newer one, and 32 bit code on a 64 bit CPU. What names no CPU may be for any,
 * as one that names no platform at all: builders leave it out of configurations, and Docker runs those.
 */
export function platformDistance(wanted: Platform, offered: Platform): number | undefined {
  const want = normalizePlatform(wanted);
  const have = normalizePlatform(offered);
  if (want.os !== have.os) return undefined;
  if (have.architecture === "") return Number.MAX_VALUE;
  if (want.architecture === have.architecture) {
    const distance = variantRank(want) - variantRank(have);
    return distance >= 0 ? distance : undefined;
  }
  if (want.architecture === "amd64" && have.architecture === "386") return 100;
  if (want.architecture === "arm64" && have.architecture === "arm") return 100 + 8 - variantRank(have);
  return undefined;
}

function variantRank({ architecture, variant }: Platform): number {
  const number = Number(/^v(\d+)/.exec(variant ?? "")?.[1] ?? Number.NaN);
  if (!Number.isNaN(number)) return number;
  return architecture === "arm64" ? 8 : 1;
}
