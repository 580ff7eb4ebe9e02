import { expect, it, vi } from 'vitest';
import { within } from './within';

it('gives what comes in time, good or bad, and an error for what does not come', async () => {
  vi.useFakeTimers();
  await expect(within(100, Promise.resolve(1), 'late')).resolves.toBe(1);
  await expect(within(100, Promise.reject(new Error('broken')), 'late')).rejects.toThrow('broken');
  expect(vi.getTimerCount()).toBe(0);
  const never = expect(within(100, new Promise(() => {}), 'late')).rejects.toThrow('late');
  await vi.advanceTimersByTimeAsync(100);
  await never;
  vi.useRealTimers();
});
