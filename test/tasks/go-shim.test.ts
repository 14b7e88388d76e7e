import { goShimByPath, goShimUnderOurs } from "./combinations.ts";
import { taskSuite } from "./suite.ts";

// Not with systemd's cgroups: a scope goes with its last process, and that shim cannot read any more who was killed why.
taskSuite({ ...goShimUnderOurs, binary: "runc", isSystemd: false });
taskSuite({ ...goShimByPath, binary: "crun", isSystemd: false });
