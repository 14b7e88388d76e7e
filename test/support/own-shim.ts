/** Whether a command line is that of a shim of ours, run from source or from what `npm run build` made. */
export function isOwnShim(commandLine: string): boolean {
  return /packages\/shim\/src\/main\.ts|dist\/containerd-shim-slipway-v1\.cjs/.test(commandLine);
}
