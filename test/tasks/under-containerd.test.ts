import { hasSystemd } from "../support/has-systemd.ts";
import { oursUnderContainerd } from "./combinations.ts";
import { taskSuite } from "./suite.ts";

// Each runtime, each driver: all four are those of our own daemon.
taskSuite({ ...oursUnderContainerd, binary: "runc", isSystemd: hasSystemd });
taskSuite({ ...oursUnderContainerd, binary: "crun", isSystemd: false });
