import { hasSystemd } from "../support/has-systemd.ts";
import { goShimByPath, goShimUnderOurs } from "./combinations.ts";
import { taskSuite } from "./suite.ts";

taskSuite({ ...goShimUnderOurs, binary: "runc", isSystemd: hasSystemd });
taskSuite({ ...goShimByPath, binary: "crun", isSystemd: false });
