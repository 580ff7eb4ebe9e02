import { MONTHS, date, instantOf, parseWall, wallOf, wallText, type Wall } from './time';

/** A time range: named and moving with the clock, or between two times of a zone. */
export interface Range {
  from: number;
  to: number | undefined;
}

export const NAMED_RANGES: readonly { id: string; name: string }[] = [
  { id: '15m', name: 'Last 15 minutes' },
  { id: '1h', name: 'Last hour' },
  { id: '24h', name: 'Last 24 hours' },
  { id: '7d', name: 'Last 7 days' },
  { id: 'today', name: 'Today' },
  { id: 'yesterday', name: 'Yesterday, 00:00 to 24:00' },
  { id: 'night', name: 'Night shift, 22:00 to 06:00' },
];

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

const at = (day: Wall, hour: number, shift: number, zone: string): number => {
  const moved = new Date(Date.UTC(day.year, day.month - 1, day.day + shift));
  return instantOf(
    { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate(), hour, minute: 0, second: 0 },
    zone,
  );
};

/** What a named range means now. */
export function namedRange(id: string, now: number, zone: string): Range | undefined {
  const moving = /^(\d{1,4})([mhd])$/.exec(id);
  if (moving) return { from: now - Number(moving[1]) * (UNITS[moving[2] ?? ''] ?? 0), to: undefined };
  const today = wallOf(now, zone);
  if (id === 'today') return { from: at(today, 0, 0, zone), to: undefined };
  if (id === 'yesterday') return { from: at(today, 0, -1, zone), to: at(today, 0, 0, zone) - 1 };
  // The night that is on, or the one that was last.
  if (id === 'night') {
    const shift = today.hour >= 22 ? 0 : -1;
    return { from: at(today, 22, shift, zone), to: at(today, 6, shift + 1, zone) };
  }
  return undefined;
}

/** What the address says, as instants. */
export function rangeOf(
  { range, from, to, tz }: { range?: string; from?: string; to?: string; tz?: string },
  now: number,
  browserZone: string,
): Range | undefined {
  const zone = tz && isZone(tz) ? tz : browserZone;
  if (range) return namedRange(range, now, zone);
  const [begin, end] = [from ? parseWall(from) : undefined, to ? parseWall(to) : undefined];
  if (!begin && !end) return undefined;
  return { from: begin ? instantOf(begin, zone) : 0, to: end ? instantOf(end, zone) : undefined };
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** An example that the field shows, and names when it cannot read a text. */
export const EXAMPLE = '28 nov 22:00 to 06:00';

/** Reads what people write for a range; undefined where it is not clear. A missing day is today; an end before its begin is a day later. */
export function readRange(text: string, now: number, zone: string): { from: string; to?: string } | undefined {
  const parts = text.trim().split(/\s+(?:to|until)\s+|\s*–\s*|\s+-\s+/i);
  if (parts.length > 2 || !parts[0]) return undefined;
  const today = wallOf(now, zone);
  const begin = readTime(parts[0], today);
  if (!begin) return undefined;
  if (parts[1] === undefined) return { from: wallText(begin) };
  const end = readTime(parts[1], begin);
  if (!end) return undefined;
  if (wallText(end) <= wallText(begin)) {
    const next = new Date(Date.UTC(end.year, end.month - 1, end.day + 1));
    Object.assign(end, { year: next.getUTCFullYear(), month: next.getUTCMonth() + 1, day: next.getUTCDate() });
  }
  return { from: wallText(begin), to: wallText(end) };
}

function readTime(text: string, day: Wall): Wall | undefined {
  const iso = parseWall(text);
  if (iso) return iso;
  const words = /^(?:(\d{1,2})\.?\s+([a-z]{3})[a-z]*\.?(?:\s+(\d{4}))?\s+)?(\d{1,2}):(\d\d)$/i.exec(text.trim());
  if (!words) return undefined;
  const [, dayText, monthText, yearText, hour, minute] = words;
  const month = monthText ? MONTHS.findIndex((name) => name.toLowerCase() === monthText.toLowerCase()) + 1 : day.month;
  if (month === 0) return undefined;
  const pad = (value: string | number): string => String(value).padStart(2, '0');
  return parseWall(`${yearText ?? day.year}-${pad(month)}-${pad(dayText ?? day.day)}T${pad(hour ?? 0)}:${pad(minute ?? 0)}`);
}

/** `Sat 28 Nov 22:00 to Sun 29 Nov 06:00`. */
export function rangeWords({ from, to }: { from: string; to?: string | undefined }): string {
  const words = (text: string): string => {
    const wall = parseWall(text);
    if (!wall) return text;
    const day = date(Date.UTC(wall.year, wall.month - 1, wall.day), 'UTC').replace(/ \d{4}$/, '');
    return `${day} ${text.slice(11, 16)}`;
  };
  return to ? `${words(from)} to ${words(to)}` : `since ${words(from)}`;
}
