/** Text that spreadsheets take for a formula: they run it, so that it gets an apostrophe in front. */
const FORMULA = /^[=+\-@\t\r]/;
/** A number with its sign is no formula. */
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

/** A cell of RFC 4180. */
export function cell(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return '';
  let text = String(value);
  if (FORMULA.test(text) && !NUMBER.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A table of RFC 4180 with a head. */
export function csv<T>(rows: readonly T[], columns: readonly (readonly [string, (row: T) => string | number | boolean | null | undefined])[]): string {
  const lines = [columns.map(([name]) => cell(name)), ...rows.map((row) => columns.map(([, value]) => cell(value(row))))];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}

/** One JSON object a line. */
export const jsonLines = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Gives a text or bytes to the browser as a file. */
export function save(name: string, type: string, content: string | ArrayBuffer): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
