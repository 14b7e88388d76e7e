import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes a plugin that is a shell script. It has what it is told in the variables of the specification, and its standard
 * input. For what the plugins that one can install do not do: new commands, failures, hanging.
 */
export function writePlugin(directory: string, name: string, script: string): void {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
