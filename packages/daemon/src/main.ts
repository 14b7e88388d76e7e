import { run } from "./run.ts";

// Meant for this process; what it starts has caches of its own.
delete process.env["NODE_COMPILE_CACHE"];
process.exitCode = await run(process.argv.slice(2));
