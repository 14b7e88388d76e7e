import type { Logger } from "@slipway/core/plugin";
import { Fault } from "@slipway/fault/fault";
import { isInUserNamespace } from "./kernel-support.ts";

/** The key `layer_format`, how layers are kept: as images, as directories, or as images where the kernel can mount them. */
export const layerFormats = ["auto", "erofs", "directory"] as const;
type LayerFormat = (typeof layerFormats)[number];

export interface LayerImageSupport {
  /** Whether new layers are to be images. */
  isWanted(): Promise<boolean>;
  /** Why images cannot be mounted here; nothing where they can. */
  whyNot(): Promise<string | undefined>;
}

/** The kernel is tried at the first question: a start need not load what mounts. */
export function layerImageSupport(
  format: LayerFormat,
  parts: {
    readonly root: string;
    readonly mountOptions: readonly string[];
    readonly log: Logger;
  },
): LayerImageSupport {
  const probe = async (): Promise<string | undefined> => {
    const { whyNoImages } = await import("../layer-images/support.ts");
    return await whyNoImages(parts.root, parts.mountOptions);
  };
  let probing: Promise<string | undefined> | undefined;
  const whyNot = async (): Promise<string | undefined> => await (probing ??= probe());
  const choose = async (): Promise<boolean> => {
    if (format === "directory" || (format === "auto" && isInUserNamespace())) return false;
    const why = await whyNot();
    if (why === undefined) return true;
    if (format === "erofs") throw new Fault("failed_precondition", `Cannot keep layers as images: ${why}`);
    parts.log.info("layers are kept as directories, not as images", { why });
    return false;
  };
  let choice: Promise<boolean> | undefined;
  return { whyNot, isWanted: async () => await (choice ??= choose()) };
}
