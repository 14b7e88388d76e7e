import { existsSync } from "node:fs";
import { describe } from "node:test";
import { gvisor, ours } from "./combinations.ts";
import { taskSuite } from "./suite.ts";

const skip = !existsSync("/usr/bin/runsc");
describe("gVisor", { skip, timeout: 900_000 }, () => {
  if (!skip) taskSuite({ ...ours, binary: gvisor, isSystemd: false, isSandboxed: true });
});
