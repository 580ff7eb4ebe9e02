import { expect, test } from 'vitest';
import type { Acknowledgement } from '../api/tympan';
import { missing, steps } from './acknowledgements';

const told = (...sequences: number[]): Acknowledgement[] => sequences.map((Sequence) => ({ Sequence, Session: 1, Time: '', EventType: 'IDLE' }));

test('a fragment comes three steps, and an error or silence is none', () => {
  expect(['BUFFERING', 'RECEIVED', 'PERSISTED', 'IDLE', 'ERROR'].map((event) => steps(event as Acknowledgement['EventType']))).toEqual([1, 2, 3, 0, 0]);
});

test('what was told between two readings and is in neither is counted', () => {
  expect(missing(told(1, 2), told(2, 3))).toBe(0);
  expect(missing(told(1, 2), told(3, 4))).toBe(0);
  expect(missing(told(1, 2), told(40, 41))).toBe(37);
  expect(missing([], told(40))).toBe(0);
  expect(missing(told(40), [])).toBe(0);
  // The server was started again and counts anew.
  expect(missing(told(40), told(1))).toBe(0);
});
