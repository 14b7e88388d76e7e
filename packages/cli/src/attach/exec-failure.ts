import type { Client } from "@slipway/client/client";
import type { Labels } from "@slipway/core/labels";
import { readImage } from "@slipway/images/image-config";
import { hostPlatform } from "@slipway/oci/platform";

const KEPT_BYTES = 512;

/** Remembers the end of what a process prints. */
export class OutputTail {
  #bytes = Buffer.alloc(0);

  see(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES);
  }

  get text(): string {
    return this.#bytes.toString();
  }
}

/**
 * Why a program could not be executed, where the runtime found that out when nothing but the container's own output was
 * left to say it on: `exec /bin/sh: exec format error`.
 */
export async function execFailureHint(
  client: Client,
  containerId: string,
  exitCode: number,
  { text }: OutputTail,
  labels?: Labels,
): Promise<string | undefined> {
  const [, program = "", why] =
    /(?:^|\n)exec (\S+): (exec format error|no such file or directory|permission denied)\s*$/.exec(text) ??
    [];
  if (exitCode === 0 || why === undefined) return undefined;
  if (why === "permission denied")
    return `"${program}", or what interprets it, may not be executed (chmod +x)`;
  if (why === "no such file or directory") {
    return `"${program}" is there, but not what interprets it: a script's program after #!, or the loader that it was linked for`;
  }
  const host = hostPlatform().architecture;
  const image = askedArchitecture(labels ?? {}) ?? (await architectureOf(client, containerId));
  return image !== undefined && image !== host
    ? `the image is ${image}, this host ${host}`
    : `"${program}" is no program of this machine, or a script without its first line, #!`;
}

/** What `--platform` chose; undefined for the host's own, of which an image may be wrong. */
function askedArchitecture(labels: Labels): string | undefined {
  const [, asked] = labels["nerdctl/platform"]?.split("/") ?? [];
  return asked === hostPlatform().architecture ? undefined : asked;
}

async function architectureOf(client: Client, containerId: string): Promise<string | undefined> {
  try {
    const { image, labels } = await client.containers.get(containerId);
    const asked = askedArchitecture(labels);
    if (asked !== undefined) return asked;
    const { target } = await client.images.get(image);
    return (await readImage(client.content, target)).config.architecture;
  } catch {
    // It was removed meanwhile, or has no image.
    return undefined;
  }
}
