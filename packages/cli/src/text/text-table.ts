/** Tables of text for a terminal. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Columns are as wide as their widest cell, two spaces apart; the last one is not padded. Ends with a newline. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        return align === 'right' ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0);
      })
      .join('  ')
      .trimEnd();
  return `${[columns.map((column) => column.title), widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')}\n`;
}

/** One line of at most `chars` characters, without control characters. */
export function shorten(text: string, chars: number): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length <= chars ? line : `${line.slice(0, chars - 1).trimEnd()}…`;
}
