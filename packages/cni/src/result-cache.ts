import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "@slipway/fault/fault";
import { parseJson } from "@slipway/oci/documents/json-field";
import type { Attachment } from "./attachment.ts";
import type { Network } from "./network.ts";
import { type NetworkResult, readResult } from "./result.ts";

/** What is remembered of an attachment. */
export interface CachedAttachment {
  readonly network: string;
  readonly attachment: Attachment;
  /** The network's configuration as it was then. */
  readonly config: Uint8Array;
  readonly result: NetworkResult;
}

/** Where every user of libcni looks. */
export const defaultCacheDirectory = "/var/lib/cni";
const kind = "cniCacheV1";

/**
 * The results of attachments on disk, in libcni's format and place: a container that another runtime attached can be
 * detached here, and the other way round. https://github.com/containernetworking/cni/blob/main/libcni/api.go
 */
export class ResultCache {
  readonly #directory: string;

  constructor(directory = defaultCacheDirectory) {
    this.#directory = join(directory, "results");
  }

  /** Files first, in full, under their own name last: a crash leaves the old one or the new one. */
  async put(network: Network, attachment: Attachment, result: NetworkResult): Promise<void> {
    const { containerId, netns, interfaceName, args, capabilityArgs } = attachment;
    const path = this.#pathOf(network.name, attachment);
    const cached = {
      kind,
      containerId,
      config: Buffer.from(network.bytes).toString("base64"),
      ifName: interfaceName,
      networkName: network.name,
      netns,
      ...(args ? { cniArgs: Object.entries(args) } : {}),
      ...(capabilityArgs ? { capabilityArgs } : {}),
      result: result.raw,
    };
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const part = `${path}.part`;
    await using file = await open(part, "w", 0o600);
    await file.writeFile(JSON.stringify(cached));
    await file.datasync();
    await rename(part, path);
  }

  /** Undefined if nothing is remembered, or nothing that can be read: a container must be removable nevertheless. */
  async get(network: string, attachment: Attachment): Promise<CachedAttachment | undefined> {
    return await this.#read(this.#pathOf(network, attachment));
  }

  async remove(network: string, attachment: Attachment): Promise<void> {
    await rm(this.#pathOf(network, attachment), { force: true });
  }

  /** All that can be read, of one container if it is named. */
  async list(containerId?: string): Promise<CachedAttachment[]> {
    const names = await readdir(this.#directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const wanted = names.filter((name) => containerId === undefined || name.includes(`-${containerId}-`));
    const found = await Promise.all(wanted.sort().map((name) => this.#read(join(this.#directory, name))));
    return found.filter(
      (one): one is CachedAttachment =>
        one !== undefined && (containerId === undefined || one.attachment.containerId === containerId),
    );
  }

  async #read(path: string): Promise<CachedAttachment | undefined> {
    try {
      return readCached(path, await readFile(path));
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === "ENOENT";
      if (isGone || hasCode(error, "data_loss", "resource_exhausted")) return undefined;
      throw error;
    }
  }

  #pathOf(network: string, { containerId, interfaceName }: Attachment): string {
    return join(this.#directory, `${network}-${containerId}-${interfaceName}`);
  }
}

/** @throws {Fault} `data_loss` */
function readCached(path: string, bytes: Uint8Array): CachedAttachment {
  const root = parseJson(path, bytes, { code: "data_loss" }).required();
  if (root.get("kind").text() !== kind) throw root.get("kind").refuse(`is not "${kind}"`);
  const args = root.get("cniArgs").list((pair) => {
    const [name = "", value = ""] = pair.texts();
    return [name, value] as const;
  });
  const capabilityArgs = root.get("capabilityArgs").others([]);
  return {
    network: root.get("networkName").text() ?? "",
    attachment: {
      containerId: root.get("containerId").text() ?? "",
      netns: root.get("netns").text() ?? "",
      interfaceName: root.get("ifName").text() ?? "",
      args: Object.fromEntries(args),
      capabilityArgs,
    },
    config: Buffer.from(root.get("config").text() ?? "", "base64"),
    result: readResult(path, JSON.stringify(root.get("result").others([]))),
  };
}
