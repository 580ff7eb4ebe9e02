/** Times of day and dates, always in a zone that is said. */

const pad = (value: number): string => String(value).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** The zone of this browser. */
export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

export interface Wall {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What clocks and calendars of a zone show at an instant. */
export function wallOf(instant: number, zone: string): Wall {
  let format = formats.get(zone);
  if (!format) {
    const numeric = 'numeric' as const;
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, hourCycle: 'h23', year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric,
    });
    formats.set(zone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
  return { year, month, day, hour, minute, second };
}

const asUtc = (wall: Wall): number => Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);

/** The instant at which clocks of a zone show this; where they skip it, the instant as much later. */
export function instantOf(wall: Wall, zone: string): number {
  const wanted = asUtc(wall);
  let instant = wanted;
  for (let round = 0; round < 2; round++) instant += wanted - asUtc(wallOf(instant, zone));
  return instant;
}

/** `UTC`, `UTC−8`, `UTC+5:30`. */
export function offset(instant: number, zone: string): string {
  const minutes = Math.round((asUtc(wallOf(instant, zone)) - Math.floor(instant / 1000) * 1000) / 60_000);
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  const rest = size % 60 === 0 ? '' : `:${pad(size % 60)}`;
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(size / 60)}${rest}`;
}

/** `PST (UTC−8)`, or the offset alone where the zone has no short name. */
export function zoneName(instant: number, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' }).formatToParts(instant);
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  const shift = offset(instant, zone);
  return name === shift || !/^[A-Z]{2,5}$/.test(name) ? shift : `${name} (${shift})`;
}

/** `08:31:07`. */
export function clock(instant: number, zone: string): string {
  const { hour, minute, second } = wallOf(instant, zone);
  return `${pad(hour)}:${pad(minute)}:${pad(second)}`;
}

/** `08:31:07.204`. */
export const exactClock = (instant: number, zone: string): string =>
  `${clock(instant, zone)}.${String(((instant % 1000) + 1000) % 1000).padStart(3, '0')}`;

/** `Sun 29 Nov 2026`. */
export function date(instant: number, zone: string): string {
  const { year, month, day } = wallOf(instant, zone);
  const weekday = DAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()];
  return `${weekday} ${day} ${MONTHS[month - 1]} ${year}`;
}

/** `29 Nov`. */
export function shortDate(instant: number, zone: string): string {
  const { month, day } = wallOf(instant, zone);
  return `${day} ${MONTHS[month - 1]}`;
}

let kept: { minute: number; zone: string; wall: Wall } | undefined;

/** The day of now: lists ask for it row by row, and it changes at full minutes only. */
function dayOf(now: number, zone: string): Wall {
  const minute = Math.floor(now / 60_000);
  if (kept?.minute !== minute || kept.zone !== zone) kept = { minute, zone, wall: wallOf(now, zone) };
  return kept.wall;
}

/** The clock alone for today, with the date for any other day. */
export function moment(instant: number, now: number, zone: string): string {
  const [then, today] = [wallOf(instant, zone), dayOf(now, zone)];
  const time = `${pad(then.hour)}:${pad(then.minute)}:${pad(then.second)}`;
  const isToday = then.year === today.year && then.month === today.month && then.day === today.day;
  return isToday ? time : `${then.day} ${MONTHS[then.month - 1]} ${time}`;
}

/** `2026-11-28T22:00`: how a time stands in the address. */
export function wallText({ year, month, day, hour, minute }: Wall): string {
  return `${year}-${pad(month)}-${pad(day)}T${pad(hour)}:${pad(minute)}`;
}

/** Reads `2026-11-28T22:00`, with or without seconds. */
export function parseWall(text: string): Wall | undefined {
  const found = /^(\d{4})-(\d\d?)-(\d\d?)[T ](\d\d?):(\d\d)(?::(\d\d))?$/.exec(text.trim());
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const wall = { year, month, day, hour, minute, second };
  return isReal(wall) ? wall : undefined;
}

function isReal({ year, month, day, hour, minute, second }: Wall): boolean {
  const made = new Date(Date.UTC(year, month - 1, day));
  return made.getUTCMonth() === month - 1 && made.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
}

/** A time of the server, in milliseconds; undefined where there is none. */
export function instant(text: string | null | undefined): number | undefined {
  const read = text ? Date.parse(text) : NaN;
  return Number.isNaN(read) ? undefined : read;
}

const FIVE_MINUTES = 300_000;

/** Today, from midnight to the end of the five minutes that go on: metrics have such bounds, and at most 24 hours. */
export function dayBounds(now: number, zone: string): { from: number; to: number } {
  const to = Math.ceil(now / FIVE_MINUTES) * FIVE_MINUTES;
  const midnight = instantOf({ ...wallOf(now, zone), hour: 0, minute: 0, second: 0 }, zone);
  const from = Math.max(Math.ceil(midnight / FIVE_MINUTES) * FIVE_MINUTES, to - 86_400_000);
  return { from: Math.min(from, to - FIVE_MINUTES), to };
}

export { MONTHS };
