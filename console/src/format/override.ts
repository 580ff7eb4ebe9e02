/** Overrides of hours of operation: their form, and what they say in words. */
import type { Override, OverrideSlice, Pattern } from '../api/overrides';
import { MONTHS } from './time';
import { DAYS, dayName, text, time, type Day, type Time } from './week';

export type OverrideType = 'STANDARD' | 'OPEN' | 'CLOSED';

/** A time of the form; no day is every day. */
export interface OverrideSpan {
  day: Day | '';
  from: string;
  to: string;
}

/** What of a date is meant: nothing, all of it, or times of it. */
export type Extent = 'none' | 'all' | 'times';

export interface OverrideForm {
  name: string;
  description: string;
  from: string;
  till: string;
  type: OverrideType;
  extent: Extent;
  spans: OverrideSpan[];
  frequency: Pattern['Frequency'] | '';
  interval: number;
  /** Of a month: the date of the first one, a day by its number, or a weekday by its turn. */
  on: 'date' | 'day' | 'weekday';
  /** The month, 1 to 12; 0: as the frequency says. */
  month: number;
  /** The number of the day, or which of the weekdays; -1 is the last one. */
  which: number;
}

const MIDNIGHT: Time = { Hours: 0, Minutes: 0 };
const isWhole = ({ StartTime, EndTime }: OverrideSlice): boolean => text(StartTime ?? MIDNIGHT) === '00:00' && text(EndTime ?? MIDNIGHT) === '00:00';

export const emptyForm = (date: string): OverrideForm => ({
  name: '', description: '', from: date, till: date, type: 'STANDARD', extent: 'none', spans: [], frequency: '', interval: 1, month: 0, on: 'date', which: 1,
});

/** What a type can be of: an override that opens nothing would do nothing. */
export const extentsOf = (type: OverrideType): Extent[] => (type === 'STANDARD' ? ['none', 'all', 'times'] : ['all', 'times']);

export function formOf(override: Override): OverrideForm {
  const { Name, Description = '', EffectiveFrom, EffectiveTill, OverrideType = 'STANDARD', Config, RecurrenceConfig } = override;
  const pattern = RecurrenceConfig?.RecurrencePattern;
  const [first] = Config;
  const extent = Config.length === 0 ? (OverrideType === 'STANDARD' ? 'none' : 'all') : Config.length === 1 && first && !first.Day && isWhole(first) ? 'all' : 'times';
  return {
    name: Name,
    description: Description,
    from: EffectiveFrom,
    till: EffectiveTill,
    type: OverrideType,
    extent,
    spans: extent === 'times' ? Config.map(({ Day, StartTime, EndTime }) => ({ day: Day ?? '', from: text(StartTime ?? MIDNIGHT), to: text(EndTime ?? MIDNIGHT) })) : [],
    frequency: pattern?.Frequency ?? '',
    interval: pattern?.Interval ?? 1,
    month: pattern?.ByMonth?.[0] ?? 0,
    on: pattern?.ByMonthDay?.length ? 'day' : pattern?.ByWeekdayOccurrence?.length ? 'weekday' : 'date',
    which: pattern?.ByMonthDay?.[0] ?? pattern?.ByWeekdayOccurrence?.[0] ?? 1,
  };
}

/** What is wrong with a form; empty where nothing is. */
export function troubleOf(form: OverrideForm): string {
  if (form.name.trim() === '') return 'Enter a name.';
  if (!/^\d{4}-\d\d-\d\d$/.test(form.from) || !/^\d{4}-\d\d-\d\d$/.test(form.till)) return 'Choose its first and its last date.';
  if (form.till < form.from) return 'The last date is before the first one.';
  if (form.extent === 'times' && form.spans.length === 0) return 'Add a time.';
  if (form.extent === 'times' && !form.spans.every(({ from, to }) => time(from) && time(to))) return 'A time reads 09:00, or 17:30: hours to 23, minutes to 59.';
  if (form.frequency && !(Number.isInteger(form.interval) && form.interval >= 1 && form.interval <= 6)) return 'It comes again every 1 to 6 weeks, months or years.';
  if (isWeekdayOfMonth(form) && !form.spans.some(({ day }) => day !== '')) return 'Which weekday of the month it is stands at its times: choose a day there.';
  return '';
}

const isWeekdayOfMonth = (form: OverrideForm): boolean => isOfMonth(form) && form.on === 'weekday';
const isOfMonth = (form: OverrideForm): boolean => form.frequency === 'MONTHLY' || form.frequency === 'YEARLY';

const sliceOf = ({ day, from, to }: OverrideSpan): OverrideSlice => ({ ...(day !== '' && { Day: day }), StartTime: time(from) ?? MIDNIGHT, EndTime: time(to) ?? MIDNIGHT });

/** The members of a form; whole days have times from midnight to midnight. */
export function membersOf(form: OverrideForm): Omit<Override, 'HoursOfOperationOverrideId'> {
  const { name, description, from, till, type, extent, spans, frequency, interval, month, on, which } = form;
  const isAll = extent === 'all' && type !== 'CLOSED';
  const Config = extent === 'times' ? spans.map(sliceOf) : isAll ? [{ StartTime: MIDNIGHT, EndTime: MIDNIGHT }] : [];
  const pattern: Pattern | undefined = frequency
    ? {
        Frequency: frequency,
        Interval: interval,
        ...(month > 0 && { ByMonth: [month] }),
        ...(isOfMonth(form) && on === 'day' && { ByMonthDay: [which] }),
        ...(isOfMonth(form) && on === 'weekday' && { ByWeekdayOccurrence: [which] }),
      }
    : undefined;
  return {
    Name: name.trim(),
    Description: description,
    EffectiveFrom: from,
    EffectiveTill: till,
    OverrideType: type,
    Config,
    ...(pattern && { RecurrenceConfig: { RecurrencePattern: pattern } }),
  };
}

const ordinal = (which: number): string => (which === -1 ? 'last' : (['', 'first', 'second', 'third', 'fourth'][which] ?? `${which}th`));
const UNITS = { WEEKLY: ['week', 'weeks'], MONTHLY: ['month', 'months'], YEARLY: ['year', 'years'] } as const;

/** `Closed 12:00 to 13:00 on Fridays`. */
export function timesWords({ type, extent, spans }: OverrideForm): string {
  const verb = { STANDARD: 'Open', OPEN: 'Open too', CLOSED: 'Closed' }[type];
  if (extent === 'none') return 'Closed all day';
  if (extent === 'all') return `${verb} all day`;
  const days = [...DAYS, ''] as const;
  const sorted = [...spans].sort((one, other) => days.indexOf(one.day) - days.indexOf(other.day) || one.from.localeCompare(other.from));
  return `${verb} ${sorted.map(({ day, from, to }) => `${from === to ? 'all day' : `${from} to ${to}`}${day ? ` on ${dayName(day)}s` : ''}`).join(', ')}`;
}

/** `every 2 months on the second weekday`; empty where it holds on all of its dates. */
export function recurrenceWords(form: OverrideForm): string {
  if (!form.frequency) return '';
  const [unit, units] = UNITS[form.frequency];
  const inMonth = form.month > 0 ? ` in ${MONTHS[form.month - 1]}` : '';
  const every = `${form.interval === 1 ? `every ${unit}` : `every ${form.interval} ${units}`}${inMonth}`;
  if (!isOfMonth(form)) return every;
  const days = [...new Set(form.spans.flatMap(({ day }) => (day ? [dayName(day)] : [])))].join(' or ');
  if (form.on === 'day') return `${every} on ${form.which === -1 ? 'the last day of the month' : `day ${form.which}`}`;
  if (form.on === 'weekday') return `${every} on the ${ordinal(form.which)} ${days}`;
  return every;
}
