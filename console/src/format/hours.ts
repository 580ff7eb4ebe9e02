import type { Interval } from '../api/tympan';
import { counted } from './quantity';
import { instant, wallOf } from './time';

const HOUR_MS = 3_600_000;
export const HOURS = 24;

/** Where the first of the last 24 hours of a zone's clocks begins; the last one goes on. */
export function firstHour(now: number, zone: string): number {
  const { minute, second } = wallOf(now, zone);
  const begun = Math.floor(now / 1000) * 1000 - (minute * 60 + second) * 1000;
  return begun - (HOURS - 1) * HOUR_MS;
}

const pad = (value: number): string => String(value).padStart(2, '0');

/** `14:00`. */
export function hour(interval: Interval, zone: string): string {
  const wall = wallOf(instant(interval.From) ?? 0, zone);
  return `${pad(wall.hour)}:${pad(wall.minute)}`;
}

/** A bar of the chart, in parts of its height. */
export interface Bar {
  interval: Interval;
  part: number;
  isSoFar: boolean;
}

/** The bars: the highest is 1, and one contact is seen beside thousands. */
export function bars(intervals: readonly Interval[]): Bar[] {
  const most = Math.max(1, ...intervals.map((one) => one.Contacts));
  return intervals.map((interval, at) => ({
    interval,
    part: interval.Contacts === 0 ? 0 : Math.max(0.04, interval.Contacts / most),
    isSoFar: at === intervals.length - 1,
  }));
}

/** The chart in a sentence. */
export function hoursSentence(intervals: readonly Interval[], zone: string): string {
  const sum = intervals.reduce((all, one) => all + one.Contacts, 0);
  if (sum === 0) return 'None began in the last 24 hours.';
  const top = intervals.reduce((most, one) => (one.Contacts > most.Contacts ? one : most));
  return `${counted(sum, 'contact')} began in the last 24 hours. The busiest hour, from ${hour(top, zone)}, has ${top.Contacts}.`;
}
