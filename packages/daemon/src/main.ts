import { mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/*
 * Compiled code is kept from start to start: it halves the time to ready. Beside the packages when that can be written,
 * else in the system's folder for such things.
 */
function compileCacheDir(): string {
  const beside = join(import.meta.dirname, "../../../node_modules/.cache/slipwayd");
  try {
    mkdirSync(beside, { recursive: true });
    return beside;
  } catch {
    return join(tmpdir(), "slipwayd-compile-cache");
  }
}

enableCompileCache(compileCacheDir());
const { run } = await import("./run.ts");
process.exitCode = await run(process.argv.slice(2));
