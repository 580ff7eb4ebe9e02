import { expect, it } from 'vitest';
import { commonPrefix, sharedDigits } from './names';

it('says a prefix once, and only up to a hyphen', () => {
  expect(commonPrefix(['demo-connect-demo-contact-a1', 'demo-connect-demo-contact-a2'])).toBe('demo-connect-demo-contact-');
  expect(commonPrefix(['demo-connect', 'hello'])).toBe('');
  expect(commonPrefix(['only-one-stream-name'])).toBe('');
  expect(commonPrefix([])).toBe('');
});

it('counts the digits that all numbers share', () => {
  expect(sharedDigits(['9134385', '9134399', '9134'])).toBe(4);
  expect(sharedDigits(['1', '2'])).toBe(0);
  expect(sharedDigits(['123'])).toBe(0);
});
