import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Order } from './engine';
import { Line, type LineWord, type Socket } from './line';

const socket = (): Socket & { sent: string[]; isClosed: boolean } => ({
  readyState: 1,
  sent: [],
  isClosed: false,
  onmessage: null,
  onclose: null,
  send(text) {
    this.sent.push(String(text));
  },
  close() {
    this.isClosed = true;
  },
});
const text = (said: unknown): MessageEvent<string> => ({ data: JSON.stringify(said) }) as MessageEvent<string>;
const BEGIN = { Type: 'Begin', SampleRateHz: 8_000, Tracks: ['AUDIO_TO_CUSTOMER', 'AUDIO_FROM_CUSTOMER'], StartTimestamp: null, NowMicroseconds: 5_000_000 };

function line() {
  const own = socket();
  const orders: Order[] = [];
  const words: LineWord[] = [];
  const made = new Line(own, 7, { AUDIO_FROM_CUSTOMER: true, AUDIO_TO_CUSTOMER: false }, (order) => orders.push(order), (word) => words.push(word));
  return { own, orders, words, made };
}

beforeEach(() => void vi.useFakeTimers({ now: 1_000 }));
afterEach(() => void vi.useRealTimers());

test('sound goes to the worklet after what announces it, and words go to the page', () => {
  const { own, orders, words } = line();
  own.onmessage?.(text(BEGIN));
  const buffer = new ArrayBuffer(30);
  own.onmessage?.({ data: buffer } as MessageEvent<ArrayBuffer>);
  own.onmessage?.(text({ Type: 'Paused' }));
  expect(orders).toEqual([
    { type: 'live', run: 7, tracks: 2, heard: [false, true] },
    { type: 'clock', offsetMicros: 4_000_000 },
    { type: 'frame', buffer },
    { type: 'paused', isPaused: true },
  ]);
  expect(words).toEqual([{ type: 'said', said: BEGIN }, { type: 'said', said: { Type: 'Paused' } }]);
  own.onmessage?.({ data: 'no JSON' } as MessageEvent<string>);
  expect(words.length).toBe(2);
});

test('the clock of the server is asked for, and its answers stay here', () => {
  const { own, orders, words } = line();
  own.onmessage?.(text(BEGIN));
  vi.advanceTimersByTime(50);
  expect(own.sent).toEqual(['{"Type":"Ping","Id":0}']);
  vi.advanceTimersByTime(10);
  own.onmessage?.(text({ Type: 'Pong', Id: 0, NowMicroseconds: 6_000_000 }));
  expect(orders.at(-1)).toEqual({ type: 'clock', offsetMicros: 6_000_000 - 1_055_000 });
  expect(words.length).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(own.sent.length).toBe(5 + 5);
});

test('a line that is closed asks and tells nothing more, and one that breaks says so', () => {
  const { own, words, made } = line();
  own.onmessage?.(text(BEGIN));
  made.close();
  expect([own.isClosed, own.onmessage, own.onclose]).toEqual([true, null, null]);
  vi.advanceTimersByTime(10_000);
  expect(own.sent).toEqual([]);
  expect(words.length).toBe(1);

  const broken = line();
  broken.own.onmessage?.(text(BEGIN));
  broken.own.onclose?.({ code: 4008 } as CloseEvent);
  expect(broken.words.at(-1)).toEqual({ type: 'closed', code: 4008 });
  vi.advanceTimersByTime(10_000);
  expect(broken.own.sent).toEqual([]);
});
