import { expect, it } from 'vitest';
import { inHours, inUnit, plainPrefix, prefixTrouble, streamPrefix } from './prefix';

it('shows the prefix that was entered', () => {
  expect(plainPrefix('calls-connect-harbour-line-contact-', 'harbour-line')).toBe('calls');
  expect(plainPrefix('calls', 'harbour-line')).toBe('calls');
  expect(streamPrefix('calls', 'harbour-line')).toBe('calls-connect-harbour-line-contact-');
});

it('refuses prefixes that no stream can have', () => {
  expect(['calls', 'a_b.c-1'].map(prefixTrouble)).toEqual(['', '']);
  for (const prefix of ['', 'a b', 'ü', 'a/b', 'x'.repeat(129)]) expect(prefixTrouble(prefix)).not.toBe('');
});

it('reads and writes the retention in hours and days', () => {
  expect([inUnit(24), inUnit(168), inUnit(25)]).toEqual([{ number: 24, unit: 'hours' }, { number: 7, unit: 'days' }, { number: 25, unit: 'hours' }]);
  expect([inHours(7, 'days'), inHours(24, 'hours')]).toEqual([168, 24]);
  expect([inHours(0, 'hours'), inHours(1.5, 'hours'), inHours(3651, 'days'), inHours(null, 'hours')]).toEqual([undefined, undefined, undefined, undefined]);
});
