import { goShimByPath, goShimUnderOurs } from "./combinations.ts";
import { taskSuite } from "./suite.ts";

taskSuite({ ...goShimUnderOurs, binary: "runc", isSystemd: false });
taskSuite({ ...goShimByPath, binary: "crun", isSystemd: false });
