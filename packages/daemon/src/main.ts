import { run } from "./run.ts";

// Meant for this process, and not for what it starts: that has caches of its own.
for (const name of ["NODE_COMPILE_CACHE", "MALLOC_MMAP_THRESHOLD_"]) delete process.env[name];
void run(process.argv.slice(2)).then((code) => (process.exitCode = code));
