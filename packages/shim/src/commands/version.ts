import { version } from "../version.ts";

export function printVersion(): void {
  const lines = [
    "containerd-shim-slipway-v1:",
    `  Version:  ${version()}`,
    `  Node version: ${process.version}`,
    "",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
