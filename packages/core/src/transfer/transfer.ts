import type { Descriptor } from "@slipway/oci/descriptor";
import type { Platform } from "@slipway/oci/platform";
import type { Labels } from "../labels.ts";
import type { Scope } from "../stores.ts";

/*
 * Sources and destinations of transfers, defined by containerd's core/transfer. A registry to an image store is a pull,
 * the other way round a push; bytes to an image store an import, the other way round an export; a store to a store a tag.
 */

export type RegistryCredentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "identity-token"; readonly token: string }
  | { readonly kind: "header"; readonly value: string };

export interface RegistryEnd {
  readonly kind: "registry";
  /** With its host: `docker.io/library/busybox:latest`. */
  readonly reference: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The root of hosts.toml directories, or several with colons between them. */
  readonly hostsDirectory?: string;
  readonly defaultScheme?: "http" | "https";
  /** Asked when a registry wants a login; nothing means anonymously. */
  readonly credentials?: (host: string) => Promise<RegistryCredentials | undefined>;
}

/** A further name, or a rule to make names of those in an archive: containerd's core/transfer/image, Reference. */
export interface ImageReference {
  readonly name: string;
  readonly isPrefix: boolean;
  readonly allowOverwrite: boolean;
  readonly addDigest: boolean;
  readonly skipNamedDigest: boolean;
}

export interface ImageStoreEnd {
  readonly kind: "image store";
  /** May be empty with import: then the archive says the names. */
  readonly name: string;
  readonly labels: Labels;
  /** All when there are none. */
  readonly platforms: readonly Platform[];
  readonly allMetadata: boolean;
  /** 0 is no limit. */
  readonly manifestLimit: number;
  readonly extraReferences: readonly ImageReference[];
  /** An empty snapshotter is the daemon's default. */
  readonly unpacks: readonly { readonly platform: Platform; readonly snapshotter: string }[];
}

export interface ImportEnd {
  readonly kind: "import stream";
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Empty: the archive may be compressed. */
  readonly mediaType: string;
  /** Compress the layers of archives that come without a manifest. */
  readonly forceCompress: boolean;
}

export interface ExportEnd {
  readonly kind: "export stream";
  readonly mediaType: string;
  /** This machine's when there are none. */
  readonly platforms: readonly Platform[];
  readonly allPlatforms: boolean;
  /** Leave out Docker's manifest.json. */
  readonly skipCompatibilityManifest: boolean;
  readonly skipNonDistributable: boolean;
  /** Takes all bytes, and ends. */
  write(bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

export type TransferEnd = RegistryEnd | ImageStoreEnd | ImportEnd | ExportEnd;

/** What happens: events are words such as `downloading`, names are of ingests or images. */
export interface TransferProgress {
  readonly event: string;
  readonly name?: string;
  readonly parents?: readonly string[];
  /** In bytes. */
  readonly progress?: number;
  /** In bytes. */
  readonly total?: number;
  readonly target?: Descriptor;
}

export interface TransferOptions {
  readonly onProgress?: (progress: TransferProgress) => void;
  /** The most that a pull fetches in a second; the daemon may have a limit of its own besides. */
  readonly downloadBytesPerSecond?: number;
  readonly signal?: AbortSignal;
}

/** Brings images from one place to another. */
export interface Transferrer {
  /** @returns `unsupported` for ends that do not go together: another one may know what to do with them */
  transfer(
    scope: Scope,
    source: TransferEnd,
    destination: TransferEnd,
    options: TransferOptions,
  ): Promise<"done" | "unsupported">;
}
