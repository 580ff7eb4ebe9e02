import { describe, expect, it } from 'vitest';
import { grown, type Answer } from './grow';
import type { Span } from './levels';

const answer = (samples: number, peaks: (number | null)[], spans: Span[] = [], cut: Partial<Answer> = {}): Answer => ({
  StartTimestamp: '2026-11-29T16:00:00Z', SampleRateHz: 8000, Samples: samples, Captures: [],
  Tracks: [{ Name: 'AUDIO_FROM_CUSTOMER', RmsDbfs: peaks.map((peak) => peak && peak - 6), PeakDbfs: peaks, Spans: spans, SpansLeftOut: 0, FromAudio: false, Incomplete: false }],
  ...cut,
});
const peaks = (part: { Tracks: { PeakDbfs: (number | null)[] }[] }): (number | null)[] | undefined => part.Tracks[0]?.PeakDbfs;

describe('a waveform that grows', () => {
  it('has columns of one length, each the loudest of what it covers', () => {
    // 400 ms in columns of 50 ms become columns of 100 ms.
    const part = grown(undefined, answer(3_200, [-1, -2, null, -4, null, null, -7, -6]), 100);
    expect(peaks(part)).toEqual([-1, -4, null, -6]);
    expect([part.from, part.to, part.columnMs]).toEqual([0, 400, 100]);
  });

  it('takes what is new behind what is known', () => {
    const before = grown(undefined, answer(3_200, [-1, -2, -3, -4]), 100);
    const part = grown(before, answer(4_000, [-30, -5, -6], [], { FromMilliseconds: 200, ToMilliseconds: 500 }), 100);
    expect(peaks(part)).toEqual([-1, -2, -30, -5, -6]);
    expect(part.Samples).toBe(4_000);
  });

  it('keeps a last column that is not full', () => {
    const part = grown(grown(undefined, answer(1_600, [-1, -2]), 100), answer(2_000, [-2, -3], [], { FromMilliseconds: 100, ToMilliseconds: 250 }), 100);
    expect(peaks(part)).toEqual([-1, -2, -3]);
  });

  it('knows a server that answers with the whole', () => {
    const before = grown(undefined, answer(3_200, [-1, -2, -3, -4]), 100);
    expect(peaks(grown(before, answer(4_000, [-9, -8, -7, -6, -5]), 100))).toEqual([-9, -8, -7, -6, -5]);
  });

  it('fills columns where the answer is coarser', () => {
    expect(peaks(grown(undefined, answer(3_200, [-1, -2]), 100))).toEqual([-1, -1, -2, -2]);
  });

  it('joins spans: one that goes on takes the place of what it was', () => {
    const before = grown(undefined, answer(3_200, [-1], [{ Kind: 'speech', At: 0, Samples: 800 }, { Kind: 'speech', At: 1_600, Samples: 1_600 }]), 100);
    const more = answer(4_800, [-1], [{ Kind: 'speech', At: 1_600, Samples: 2_400 }, { Kind: 'lost', At: 4_000, Samples: 160 }], { FromMilliseconds: 300, ToMilliseconds: 600 });
    expect(grown(before, more, 100).Tracks[0]?.Spans).toEqual([
      { Kind: 'speech', At: 0, Samples: 800 },
      { Kind: 'speech', At: 1_600, Samples: 2_400 },
      { Kind: 'lost', At: 4_000, Samples: 160 },
    ]);
  });
});
