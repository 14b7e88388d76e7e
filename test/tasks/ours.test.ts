import { ours } from "./combinations.ts";
import { taskSuite } from "./suite.ts";

for (const binary of ["runc", "crun"] as const) taskSuite({ ...ours, binary, isSystemd: false });
