import { existsSync } from "node:fs";

/** Whether systemd runs this machine: sd_booted(3). Cgroups are then made by it, when they are to be. */
export const hasSystemd = existsSync("/run/systemd/system");
