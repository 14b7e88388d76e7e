import type { Image, ImageStore, NewImage } from "@slipway/core/images";
import { hasCode } from "@slipway/fault/fault";

/** Creates the image, or points the one of that name to the new target. */
export async function storeImage(images: ImageStore, image: NewImage): Promise<Image> {
  for (;;) {
    try {
      return await images.create(image);
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
    }
    try {
      return await images.update(image);
    } catch (error) {
      // It was removed in between.
      if (!hasCode(error, "not_found")) throw error;
    }
  }
}
