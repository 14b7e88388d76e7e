import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What criu reads first, and again for nothing else: https://criu.org/Configuration_files */
const VARIABLE = "CRIU_CONFIG_FILE";

interface CriuOptions extends Disposable {
  /** For the runtime, which hands it on to the criu that it starts. */
  readonly env: Readonly<Record<string, string>>;
}

/** Has criu read further options, for which runtimes have no flags, until the scope ends. */
export function criuOptions(bundle: string, options: readonly string[]): CriuOptions {
  const path = join(bundle, "criu.conf");
  writeFileSync(path, [ownOptions(), ...options, ""].join("\n"), { mode: 0o600 });
  return {
    env: { [VARIABLE]: path },
    [Symbol.dispose]: () => rmSync(path, { force: true }),
  };
}

/** What whoever started the daemon has criu read. */
function ownOptions(): string {
  const path = process.env[VARIABLE] ?? "";
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
