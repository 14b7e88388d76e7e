import { run } from "./run.ts";

// Meant for this process; what it starts has caches of its own.
delete process.env["NODE_COMPILE_CACHE"];
void run(process.argv.slice(2)).then((code) => (process.exitCode = code));
