/** One column of a listing: its heading, its name in templates and JSON, and its text. */
export interface Column<T> {
  readonly heading: string;
  readonly field: string;
  text(row: T): string;
}

/** Lays rows out under headings, columns three spaces apart, as Docker does. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const lines = [
    columns.map(({ heading }) => heading),
    ...rows.map((row) => columns.map((column) => column.text(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const last = columns.length - 1;
  return lines
    .map((line) =>
      line.map((cell, index) => (index === last ? cell : cell.padEnd((widths[index] ?? 0) + 3))).join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}
