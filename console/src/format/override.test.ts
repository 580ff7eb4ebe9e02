import { describe, expect, it } from 'vitest';
import type { Override } from '../api/overrides';
import { emptyForm, formOf, membersOf, recurrenceWords, timesWords, troubleOf } from './override';

const at = (Hours: number, Minutes = 0) => ({ Hours, Minutes });
const override = (rest: Partial<Override>): Override => ({
  HoursOfOperationOverrideId: 'id', Name: 'n', Description: '', Config: [], EffectiveFrom: '2026-12-25', EffectiveTill: '2026-12-25', OverrideType: 'STANDARD', ...rest,
});

describe('a form of an override', () => {
  it('gives back what it was filled with', () => {
    const all: Override[] = [
      override({}),
      override({ Config: [{ StartTime: at(0), EndTime: at(0) }] }),
      override({ OverrideType: 'CLOSED' }),
      override({ OverrideType: 'OPEN', Config: [{ Day: 'FRIDAY', StartTime: at(17), EndTime: at(20, 30) }, { StartTime: at(22), EndTime: at(2) }] }),
      override({ RecurrenceConfig: { RecurrencePattern: { Frequency: 'YEARLY', Interval: 1, ByMonth: [12], ByMonthDay: [-1] } } }),
      override({ Config: [{ Day: 'TUESDAY', StartTime: at(9), EndTime: at(10) }], RecurrenceConfig: { RecurrencePattern: { Frequency: 'MONTHLY', Interval: 2, ByWeekdayOccurrence: [2] } } }),
      override({ RecurrenceConfig: { RecurrencePattern: { Frequency: 'WEEKLY', Interval: 6 } } }),
    ];
    for (const one of all) {
      const { HoursOfOperationOverrideId: _, ...members } = one;
      expect(membersOf(formOf(one))).toEqual(members);
      expect(troubleOf(formOf(one))).toBe('');
    }
  });

  it('says what is wrong before it is sent', () => {
    const form = { ...emptyForm('2026-12-25'), name: 'Closed' };
    expect(troubleOf(form)).toBe('');
    expect(troubleOf({ ...form, name: ' ' })).toMatch(/name/);
    expect(troubleOf({ ...form, till: '2026-12-24' })).toMatch(/before/);
    expect(troubleOf({ ...form, from: '' })).toMatch(/first/);
    expect(troubleOf({ ...form, extent: 'times' })).toMatch(/Add/);
    expect(troubleOf({ ...form, extent: 'times', spans: [{ day: '', from: '9', to: '10:00' }] })).toMatch(/reads/);
    expect(troubleOf({ ...form, frequency: 'WEEKLY', interval: 7 })).toMatch(/1 to 6/);
    expect(troubleOf({ ...form, frequency: 'MONTHLY', on: 'weekday' })).toMatch(/weekday/);
  });

  it('is said in words', () => {
    const friday = { ...emptyForm('2026-12-04'), type: 'CLOSED' as const, extent: 'times' as const, spans: [{ day: 'FRIDAY' as const, from: '12:00', to: '13:00' }] };
    expect(timesWords(friday)).toBe('Closed 12:00 to 13:00 on Fridays');
    expect(timesWords(emptyForm('2026-12-04'))).toBe('Closed all day');
    expect(recurrenceWords({ ...friday, frequency: 'MONTHLY', interval: 2, on: 'weekday', which: 2 })).toBe('every 2 months on the second Friday');
    expect(recurrenceWords({ ...friday, frequency: 'YEARLY', on: 'day', which: -1 })).toBe('every year on the last day of the month');
    expect(recurrenceWords(friday)).toBe('');
  });
});
