import { it } from "node:test";
import { soak } from "../support/soak.ts";

it("a daemon killed under load loses no container, no exit code, and leaves nothing", async (test) => {
  await soak([40, 150, 320, 500, 700, 950], (line) => test.diagnostic(line));
});
