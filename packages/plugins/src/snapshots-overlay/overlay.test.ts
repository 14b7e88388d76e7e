import { snapshotterConformance } from "@slipway/core/snapshots/conformance";
import { mountAll } from "@slipway/linux/mount";
import { openAlone } from "../snapshot-storage/testing.ts";
import { overlayOptions } from "./kernel-support.ts";
import { overlayFolders } from "./overlay-folders.ts";

const folders = overlayFolders({ mountOptions: overlayOptions([]), upperdirLabel: false });
snapshotterConformance("overlayfs", {
  open: (root) => openAlone(root, "overlayfs", () => folders),
  mount: mountAll,
});
