import type { Logger } from "@slipway/core/plugin";
import { Fault } from "@slipway/fault/fault";
import type { FileThreads } from "@slipway/layers/threads";
import { isInUserNamespace } from "./kernel-support.ts";

/** The key `layer_format`, how layers are kept: as images, as directories, or as images where the kernel can mount them. */
export const layerFormats = ["auto", "erofs", "directory"] as const;
type LayerFormat = (typeof layerFormats)[number];

/** Whether new layers are to be images. The kernel is tried at the first question: a start need not load what mounts. */
export function layerImageChoice(
  format: LayerFormat,
  parts: {
    readonly root: string;
    readonly threads: FileThreads;
    readonly mountOptions: readonly string[];
    readonly log: Logger;
  },
): () => Promise<boolean> {
  const choose = async (): Promise<boolean> => {
    if (format === "directory" || (format === "auto" && isInUserNamespace())) return false;
    const { whyNoImages } = await import("../layer-images/support.ts");
    const why = await whyNoImages(parts.root, parts.threads, parts.mountOptions);
    if (why === undefined) return true;
    if (format === "erofs") throw new Fault("failed_precondition", `Cannot keep layers as images: ${why}`);
    parts.log.info("layers are kept as directories, not as images", { why });
    return false;
  };
  let choice: Promise<boolean> | undefined;
  return () => (choice ??= choose());
}
