import { snapshotterConformance } from "@slipway/core/snapshots/conformance";
import { mountAll } from "@slipway/linux/mount";
import { openAlone } from "../snapshot-storage/testing.ts";
import { nativeFolders } from "./native-folders.ts";

snapshotterConformance("native", {
  open: (root) => openAlone(root, "native", nativeFolders),
  mount: mountAll,
});
