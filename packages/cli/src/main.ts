import { run } from "./program.ts";
import { watchOutputs } from "./format/outputs.ts";

watchOutputs();
void run(process.argv.slice(2)).then((code) => (process.exitCode = code));
