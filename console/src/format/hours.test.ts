import { expect, it } from 'vitest';
import type { Interval } from '../api/tympan';
import { bars, firstHour, hour, hoursSentence } from './hours';

const NOW = Date.parse('2026-11-29T16:35:19.204Z');
const interval = (from: string, count: number): Interval => ({ From: `2026-11-29T${from}:00.000Z`, To: '', Contacts: count });

it('begins at a full hour of the zone, 23 hours before the one that goes on', () => {
  expect(new Date(firstHour(NOW, 'UTC')).toISOString()).toBe('2026-11-28T17:00:00.000Z');
  expect(new Date(firstHour(NOW, 'Asia/Kolkata')).toISOString()).toBe('2026-11-28T17:30:00.000Z');
});

it('draws what is not nothing, and marks the hour that goes on', () => {
  const made = bars([interval('14:00', 1), interval('15:00', 1_000), interval('16:00', 0)]);
  expect(made.map((bar) => bar.part)).toEqual([0.04, 1, 0]);
  expect(made.map((bar) => bar.isSoFar)).toEqual([false, false, true]);
});

it('says the same in words', () => {
  expect(hoursSentence([interval('14:00', 0)], 'UTC')).toBe('None began in the last 24 hours.');
  const two = [interval('14:00', 3), interval('15:00', 12)];
  expect(hoursSentence(two, 'UTC')).toBe('15 contacts began in the last 24 hours. The busiest hour, from 15:00, has 12.');
  expect(hour(interval('14:00', 3), 'Asia/Kolkata')).toBe('19:30');
});
