import { describe, expect, it } from 'vitest';
import { about, duration, exactSeconds, lost, place, retention, spoken } from './duration';
import { bytes, counted, grouped, phone } from './quantity';
import { namedRange, rangeOf, rangeWords, readRange } from './range';
import { clock, date, dayBounds, exactClock, instantOf, moment, offset, parseWall, wallOf, wallText, zoneName } from './time';

const LA = 'America/Los_Angeles';
/** Sun 29 Nov 2026, 08:35:19 PST. */
const NOW = Date.UTC(2026, 10, 29, 16, 35, 19, 204);

describe('durations', () => {
  it('counts minutes, hours and tenths', () => {
    expect([0, 9_999, 252_000, 3_723_000].map(duration)).toEqual(['0:00', '0:09', '4:12', '1:02:03']);
    expect([207_400, 59_960].map(place)).toEqual(['3:27.4', '1:00.0']);
    expect(exactSeconds(20)).toBe('0.020 s');
  });

  it('writes nothing lost as 0', () => {
    expect([0, 300, 1_140].map(lost)).toEqual(['0', '0.30 s', '1.14 s']);
  });

  it('says places, times that are left and retention in words', () => {
    expect(spoken(207_400)).toBe('3 minutes 27.4 seconds');
    expect(spoken(61_000)).toBe('1 minute 1 second');
    expect([600_000, 8 * 3_600_000].map(about)).toEqual(['10 min', '8 h']);
    expect([0, 1, 24, 168].map(retention)).toEqual(['No data retention', '1 hour', '24 hours', '7 days']);
  });
});

describe('quantities', () => {
  it('groups and counts', () => {
    expect([grouped(1_600), grouped(999), counted(1, 'call'), counted(2, 'call')]).toEqual(['1,600', '999', '1 call', '2 calls']);
    expect([1, 999, 1_900_000, 999_960].map(bytes)).toEqual(['1 byte', '999 bytes', '1.9 MB', '1.0 MB']);
  });

  it('spaces numbers of North America and leaves others', () => {
    expect(phone('+12065550142')).toBe('+1 206 555-0142');
    expect([phone('+493055501'), phone('anonymous'), phone(null)]).toEqual(['+493055501', 'anonymous', 'not given']);
  });
});

describe('times', () => {
  it('says the zone', () => {
    expect(clock(NOW, LA)).toBe('08:35:19');
    expect(exactClock(NOW, LA)).toBe('08:35:19.204');
    expect(date(NOW, LA)).toBe('Sun 29 Nov 2026');
    expect(zoneName(NOW, LA)).toBe('PST (UTC−8)');
    expect([offset(NOW, 'Asia/Kolkata'), zoneName(NOW, 'UTC')]).toEqual(['UTC+5:30', 'UTC']);
  });

  it('gives the day where it is another one', () => {
    expect(moment(NOW - 3_600_000, NOW, LA)).toBe('07:35:19');
    expect(moment(NOW - 86_400_000, NOW, LA)).toBe('28 Nov 08:35:19');
  });

  it('finds the instant of a clock, over the change of the clocks too', () => {
    for (const at of [NOW, Date.UTC(2026, 2, 8, 9, 59, 0), Date.UTC(2026, 2, 8, 10, 0, 0), Date.UTC(2026, 6, 1)]) {
      const whole = at - (at % 1000);
      expect(instantOf(wallOf(whole, LA), LA)).toBe(whole);
    }
  });

  it('bounds today at five minutes', () => {
    const day = dayBounds(NOW, LA);
    expect([moment(day.from, NOW, LA), clock(day.to, LA)]).toEqual(['00:00:00', '08:40:00']);
    const first = dayBounds(Date.UTC(2026, 10, 29, 8, 0, 0), LA);
    expect(first.to - first.from).toBe(300_000);
  });

  it('refuses times that no calendar has', () => {
    expect(parseWall('2026-02-30T10:00')).toBeUndefined();
    expect(parseWall('2026-02-28T24:00')).toBeUndefined();
    expect(wallText(parseWall('2026-2-8 7:05')!)).toBe('2026-02-08T07:05');
  });
});

describe('time ranges', () => {
  it('reads what people write', () => {
    expect(readRange('28 nov 22:00 to 06:00', NOW, LA)).toEqual({ from: '2026-11-28T22:00', to: '2026-11-29T06:00' });
    expect(readRange('2026-11-28 22:00 to 2026-11-29 09:00', NOW, LA)).toEqual({ from: '2026-11-28T22:00', to: '2026-11-29T09:00' });
    expect(readRange('08:00 - 09:30', NOW, LA)).toEqual({ from: '2026-11-29T08:00', to: '2026-11-29T09:30' });
    expect(readRange('3 November 7:15', NOW, LA)).toEqual({ from: '2026-11-03T07:15' });
    for (const text of ['', 'soon', '25:00', '31 feb 10:00', '8:00 to 9:00 to 10:00']) expect(readRange(text, NOW, LA)).toBeUndefined();
  });

  it('says how it read them', () => {
    expect(rangeWords({ from: '2026-11-28T22:00', to: '2026-11-29T06:00' })).toBe('Sat 28 Nov 22:00 to Sun 29 Nov 06:00');
    expect(rangeWords({ from: '2026-11-28T22:00' })).toBe('since Sat 28 Nov 22:00');
  });

  it('moves with the clock, and over midnight', () => {
    expect(namedRange('1h', NOW, LA)).toEqual({ from: NOW - 3_600_000, to: undefined });
    const night = namedRange('night', NOW, LA)!;
    expect([moment(night.from, NOW, LA), moment(night.to!, NOW, LA)]).toEqual(['28 Nov 22:00:00', '06:00:00']);
    expect(namedRange('soon', NOW, LA)).toBeUndefined();
  });

  it('takes the zone of the address before that of the browser', () => {
    const range = rangeOf({ from: '2026-11-28T22:00', tz: LA }, NOW, 'UTC');
    expect(range?.from).toBe(Date.UTC(2026, 10, 29, 6));
    expect(rangeOf({ from: '2026-11-28T22:00', tz: 'No/Where' }, NOW, 'UTC')?.from).toBe(Date.UTC(2026, 10, 28, 22));
    expect(rangeOf({}, NOW, 'UTC')).toBeUndefined();
  });
});
