/** Hours of operation: a week as lists of times, and as a picture. */

export const DAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;
export type Day = (typeof DAYS)[number];

export interface Time {
  Hours: number;
  Minutes: number;
}

/** A time in which it is open. One that ends at its beginning is 24 hours; one that ends before it ends on the next day. */
export interface Slice {
  Day: Day;
  StartTime: Time;
  EndTime: Time;
}

/** A time of a form, as `<input type="time">` has it. */
export interface Span {
  day: Day;
  from: string;
  to: string;
}

const DAY_MINUTES = 1440;
export const text = ({ Hours, Minutes }: Time): string => `${String(Hours).padStart(2, '0')}:${String(Minutes).padStart(2, '0')}`;
export const time = (written: string): Time | undefined => {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(written) ?? [];
  return hours === undefined ? undefined : { Hours: Number(hours), Minutes: Number(minutes) };
};
const minutes = ({ Hours, Minutes }: Time): number => Hours * 60 + Minutes;

export const dayName = (day: Day): string => day.charAt(0) + day.slice(1).toLowerCase();

export const spansOf = (config: readonly Slice[]): Span[] =>
  [...config]
    .sort((one, other) => DAYS.indexOf(one.Day) - DAYS.indexOf(other.Day) || minutes(one.StartTime) - minutes(other.StartTime))
    .map((slice) => ({ day: slice.Day, from: text(slice.StartTime), to: text(slice.EndTime) }));

/** The week of a form; undefined where a time of it is none. */
export function configOf(spans: readonly Span[]): Slice[] | undefined {
  const config: Slice[] = [];
  for (const { day, from, to } of spans) {
    const [StartTime, EndTime] = [time(from), time(to)];
    if (!StartTime || !EndTime) return undefined;
    config.push({ Day: day, StartTime, EndTime });
  }
  return config;
}

/** A bar of the picture: the row of a day, from and to in minutes of it. */
export interface Bar {
  row: number;
  from: number;
  to: number;
}

/** Where it is open. A span over midnight goes on in the row of the next day. */
export function bars(config: readonly Slice[]): Bar[] {
  return config.flatMap(({ Day, StartTime, EndTime }) => {
    const row = DAYS.indexOf(Day);
    const [from, to] = [minutes(StartTime), minutes(EndTime)];
    if (from < to) return [{ row, from, to }];
    const first = { row, from, to: DAY_MINUTES };
    return to === 0 ? [first] : [first, { row: (row + 1) % DAYS.length, from: 0, to }];
  });
}

const spoken = ({ from, to }: Span): string => (from === to ? (from === '00:00' ? 'all day' : `24 hours from ${from}`) : `${from} to ${to}`);

/** `Monday to Friday 09:00 to 17:00, Saturday 10:00 to 14:00`. */
export function weekWords(config: readonly Slice[]): string {
  const spans = spansOf(config);
  const ofDay = DAYS.map((day) => spans.filter((span) => span.day === day).map(spoken).join(' and '));
  const parts: string[] = [];
  for (let at = 0; at < DAYS.length; ) {
    let end = at;
    while (end + 1 < DAYS.length && ofDay[end + 1] === ofDay[at]) end++;
    const [first, last] = [dayName(DAYS[at]!), dayName(DAYS[end]!)];
    if (ofDay[at]) parts.push(`${first === last ? first : `${first} to ${last}`} ${ofDay[at]}`);
    at = end + 1;
  }
  return parts.join(', ') || 'never open';
}
