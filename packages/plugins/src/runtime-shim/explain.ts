import { availableParallelism } from "node:os";
import type { Container } from "@slipway/core/containers";
import type { ContentProvider } from "@slipway/core/content";
import type { ImageStore } from "@slipway/core/images";
import { Fault } from "@slipway/fault/fault";
import { readImage } from "@slipway/images/image-config";
import { hostPlatform } from "@slipway/oci/platform";
import { infoDetail, infoOf } from "@slipway/rpc/error-info";
import { hintFor } from "@slipway/core/tasks/hints";

/** Where the container's image can be looked at. */
export interface ExplainSources {
  readonly images: Pick<ImageStore, "get">;
  readonly content: ContentProvider;
}

/** The same failure, with what it means and what can be done where that is known. Message and code stay. */
export async function explained(
  error: unknown,
  container: Pick<Container, "image" | "labels">,
  sources: ExplainSources,
): Promise<unknown> {
  if (!(error instanceof Fault) || error.code === "not_found" || error.code === "already_exists")
    return error;
  const host = hostPlatform().architecture;
  const isFormat = /exec format error/i.test(error.message);
  const hint = hintFor(error.message, {
    architecture: host,
    imageArchitecture: isFormat ? await architectureOf(container, sources) : undefined,
    processors: availableParallelism(),
  });
  if (!hint) return error;
  const info = infoOf(error);
  const detail = infoDetail({ reason: hint.reason, facts: { ...info?.facts, hint: hint.hint } });
  return new Fault(error.code, error.message, { cause: error, details: [detail] });
}

async function architectureOf(
  { image, labels }: Pick<Container, "image" | "labels">,
  { images, content }: ExplainSources,
): Promise<string | undefined> {
  const [, asked] = labels["nerdctl/platform"]?.split("/") ?? [];
  if (asked !== undefined && asked !== hostPlatform().architecture) return asked;
  try {
    const { target } = await images.get(image);
    return (await readImage(content, target)).config.architecture;
  } catch {
    // It is gone, or there was none.
    return undefined;
  }
}
