import { expect, it } from 'vitest';
import { keepOrder } from './order';

it('moves no row while it is held, and lets new ones in after', () => {
  expect(keepOrder(['a', 'b', 'c'], ['c', 'd', 'a'], true)).toEqual(['a', 'c']);
  expect(keepOrder(['a', 'b', 'c'], ['c', 'd', 'a'], false)).toEqual(['c', 'd', 'a']);
});
