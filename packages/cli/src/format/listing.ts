import { alignColumns, type Column, formatTable } from "./table.ts";
import { parseHeadings, parseTemplate } from "./template.ts";

/**
 * Prints a listing the way `--format` asks: nothing or `table` for a table, `json` for a JSON object a line,
 * `table TEMPLATE` for a table of what a template makes of each row, between its tabs, or a template for a line each.
 * What a template calls with arguments, such as `.Label "x"`, is in `methods`.
 */
export function formatListing<T>(
  columns: readonly Column<T>[],
  shown: readonly string[],
  rows: readonly T[],
  format: string | undefined,
  methods: (row: T) => Readonly<Record<string, unknown>> = () => ({}),
): string {
  const fieldsOf = (row: T): Record<string, string> =>
    Object.fromEntries(columns.map((column) => [column.field, column.text(row)]));
  if (format === undefined || format === "" || format === "table" || format === "wide") {
    const visible = shown.flatMap((field) => columns.filter((column) => column.field === field));
    return formatTable(visible, rows);
  }
  if (format === "json") return rows.map((row) => `${JSON.stringify(fieldsOf(row))}\n`).join("");
  const template = format.replace(/^table\s+/, "");
  const fill = parseTemplate(template);
  const lines = rows.map((row) => fill({ ...fieldsOf(row), ...methods(row) }));
  if (template === format) return lines.map((line) => `${line}\n`).join("");
  const headings = Object.fromEntries(columns.map(({ field, heading }) => [field, heading]));
  const heading = parseHeadings(template)({ ...headings, Label: (name: unknown) => name });
  return alignColumns([heading, ...lines].map((line) => line.split("\t")));
}
