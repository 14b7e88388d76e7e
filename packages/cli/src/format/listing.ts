import { type Column, formatTable } from "./table.ts";
import { parseTemplate, templateFields } from "./template.ts";

/**
 * Prints a listing the way `--format` asks: nothing or `table` for a table, `json` for a JSON object a line,
 * `table TEMPLATE` for a table of the template's fields, or a template for a line each.
 */
export function formatListing<T>(
  columns: readonly Column<T>[],
  shown: readonly string[],
  rows: readonly T[],
  format: string | undefined,
): string {
  const fieldsOf = (row: T): Record<string, string> =>
    Object.fromEntries(columns.map((column) => [column.field, column.text(row)]));
  if (format === undefined || format === "" || format === "table" || format === "wide") {
    const visible = shown.flatMap((field) => columns.filter((column) => column.field === field));
    return formatTable(visible, rows);
  }
  if (format === "json") return rows.map((row) => `${JSON.stringify(fieldsOf(row))}\n`).join("");
  const template = format.replace(/^table\s+/, "");
  if (template !== format) {
    const wanted = templateFields(template).flatMap((field) =>
      columns.filter((column) => column.field === field),
    );
    parseTemplate(template);
    return formatTable(wanted, rows);
  }
  const fill = parseTemplate(template);
  return rows.map((row) => `${fill(fieldsOf(row))}\n`).join("");
}
