/** Plain-text tables. */

type Rows = readonly (readonly string[])[];

/** The cells, all of a column equally long: the first column flush left, the others right. */
export function padded(rows: Rows): string[][] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map(row => row.map(pad));
}

/** Lines of a table; the first row is the head. */
export function table(rows: Rows): string[] {
  const lines = padded(rows).map(row => row.join('  ').trimEnd());
  const rule = '-'.repeat(Math.max(...lines.map(line => line.length)));
  return [...lines.slice(0, 1), rule, ...lines.slice(1)];
}
