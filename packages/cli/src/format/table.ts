/** One column of a listing: its heading, its name in templates and JSON, and its text. */
export interface Column<T> {
  readonly heading: string;
  readonly field: string;
  text(row: T): string;
}

/** Lays rows out under headings. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  return alignColumns([
    columns.map(({ heading }) => heading),
    ...rows.map((row) => columns.map((column) => column.text(row))),
  ]);
}

/** Columns three spaces apart, as Docker does. */
export function alignColumns(lines: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const line of lines) {
    for (const [index, cell] of line.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return lines
    .map((line) =>
      line
        .map((cell, index) => (index === line.length - 1 ? cell : cell.padEnd((widths[index] ?? 0) + 3)))
        .join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}
