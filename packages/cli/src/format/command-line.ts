/** Arguments as a shell would read them again: what has more than words in it is quoted, as Docker's COMMAND has it. */
export function commandLine(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`))
    .join(" ");
}
