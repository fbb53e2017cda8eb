// Numbers and tables as people read them.

/** 1,234 -> `1.2k`; exact below 10,000 would be noise on a line that changes five times a second. */
export function count(value: number): string {
  if (value < 1000) return String(value);
  if (value < 1e6) return `${(value / 1000).toFixed(value < 1e4 ? 1 : 0)}k`;
  return `${(value / 1e6).toFixed(value < 1e7 ? 2 : 1)}M`;
}

/** Three significant digits, without an exponent where that is readable. */
export function number(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 1e-3) return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
}

/** `3.2 ± 0.4`; the mean alone where one value says nothing about its error. */
export function meanText({
  mean,
  standardError,
}: {
  readonly mean: number;
  readonly standardError: number | null;
}): string {
  return standardError === null ? number(mean) : `${number(mean)} ± ${number(standardError)}`;
}

/** `1h02m`, `3m20s`, `45s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes === 0) return `${whole}s`;
  if (minutes < 60) return `${minutes}m${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}

/** A table of left-aligned columns with a line under the head. Columns whose every cell is a number are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => (row[column] ?? '').length)));
  const isNumeric = head.map(
    (_, column) =>
      rows.length > 0 && rows.every((row) => /^[-+]?[\d.,]+(e[-+]\d+)?%?( ±.*)?$|^-?$/.test(row[column] ?? '')),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (isNumeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
