import { expect, it } from 'vitest';
import { bars, configOf, spansOf, weekWords, type Slice } from './week';

const slice = (Day: Slice['Day'], from: number, to: number): Slice => ({ Day, StartTime: { Hours: from, Minutes: 0 }, EndTime: { Hours: to, Minutes: 0 } });

it('reads what it writes', () => {
  const config = [slice('TUESDAY', 9, 17), slice('MONDAY', 13, 17), slice('MONDAY', 9, 12)];
  const spans = spansOf(config);
  expect(spans.map((span) => `${span.day} ${span.from}`)).toEqual(['MONDAY 09:00', 'MONDAY 13:00', 'TUESDAY 09:00']);
  expect(configOf(spans)).toEqual([config[2], config[1], config[0]]);
  expect(configOf([{ day: 'MONDAY', from: '', to: '10:00' }])).toBeUndefined();
});

it('draws a night over midnight in both of its days, and a whole day as one', () => {
  expect(bars([slice('SUNDAY', 22, 6)])).toEqual([{ row: 6, from: 1320, to: 1440 }, { row: 0, from: 0, to: 360 }]);
  expect(bars([slice('MONDAY', 0, 0)])).toEqual([{ row: 0, from: 0, to: 1440 }]);
  expect(bars([slice('MONDAY', 9, 0)])).toEqual([{ row: 0, from: 540, to: 1440 }]);
});

it('says a week in words', () => {
  const work = (['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'] as const).map((day) => slice(day, 9, 17));
  expect(weekWords([...work, slice('SATURDAY', 10, 14)])).toBe('Monday to Friday 09:00 to 17:00, Saturday 10:00 to 14:00');
  expect(weekWords([slice('MONDAY', 0, 0)])).toBe('Monday all day');
  expect(weekWords([])).toBe('never open');
});
