import { describe, expect, it } from 'vitest';
import { account, chips, gaps, marks, speechShare } from './gaps';
import { barHeight, bars, columnsFor, liveEnd, ticks, timeAt, within, xOf, zoom } from './geometry';
import { amplitude, levels, meanDbfs, MOST_COLUMNS, type Span, type Track, type Waveform } from './levels';

const track = (peaks: (number | null)[], spans: Span[] = []): Track => ({
  Name: 'AUDIO_FROM_CUSTOMER', RmsDbfs: peaks.map((peak) => peak && peak - 6), PeakDbfs: peaks, Spans: spans, SpansLeftOut: 0, FromAudio: false, Incomplete: false,
});
const drawn = (samples: number, spans: Span[]): Waveform => ({
  StartTimestamp: '2026-11-29T16:00:00Z', SampleRateHz: 8000, Samples: samples, Captures: [], Tracks: [track([], spans)],
});

describe('geometry', () => {
  const view = { from: 1_000, to: 11_000 };

  it('finds a place of a time, and a time of a place', () => {
    expect(xOf(6_000, view, 500)).toBe(250);
    expect(timeAt(250, view, 500)).toBe(6_000);
  });

  it('asks for a column a bar at least, and for no more than there are', () => {
    expect(columnsFor(900, { from: 0, to: 60_000 }, 60_000)).toBe(300);
    expect(columnsFor(900, { from: 0, to: 6_000 }, 60_000)).toBe(3_000);
    expect(columnsFor(900, { from: 0, to: 1_000 }, 36_000_000)).toBe(MOST_COLUMNS);
  });

  it('gives each bar the loudest of what it covers', () => {
    const made = bars(levels(track([null, 0, -20, -40]), 4_000), 0, { from: 0, to: 4_000 }, 6);
    expect(made.map(({ x, peak }) => [x, Number(peak.toFixed(3))])).toEqual([[0, 1], [3, 0.1]]);
  });

  it('draws nothing before the capture and after it', () => {
    const made = bars(levels(track([0, 0]), 2_000), 2_000, { from: 0, to: 6_000 }, 18);
    expect(made.map(({ x }) => x)).toEqual([6, 9]);
  });

  it('bends the scale, and never leaves the lane', () => {
    expect(barHeight(1, 112)).toBe(53);
    expect(barHeight(0.1, 112)).toBeCloseTo(12.7, 1);
    expect([amplitude(null), amplitude(0), amplitude(6)]).toEqual([0, 1, 1]);
    expect(amplitude(-20)).toBeCloseTo(0.1);
  });

  it('steps the end of a live axis and does not creep', () => {
    const end = liveEnd(60_000, 0);
    expect(liveEnd(end * 0.94, end)).toBe(end);
    expect(liveEnd(end * 0.96, end)).toBe(end * 1.25);
  });

  it('zooms about a time and stays in the call', () => {
    const near = zoom({ from: 0, to: 100_000 }, 0.5, 25_000, 100_000);
    expect(near).toEqual({ from: 12_500, to: 62_500 });
    expect(zoom({ from: 0, to: 100_000 }, 0.5, 0, 100_000)).toEqual({ from: 0, to: 50_000 });
    expect(zoom(near, 100, 25_000, 100_000)).toEqual({ from: 0, to: 100_000 });
    expect(within({ from: 90_000, to: 120_000 }, 100_000)).toEqual({ from: 70_000, to: 100_000 });
  });

  it('puts round times on the ruler, far enough apart', () => {
    expect(ticks({ from: 0, to: 252_000 }, 800)).toEqual([0, 30_000, 60_000, 90_000, 120_000, 150_000, 180_000, 210_000, 240_000]);
    expect(ticks({ from: 1_600, to: 3_000 }, 400)).toEqual([2_000, 2_500, 3_000]);
    for (const length of [1_000, 20_000, 600_000, 40_000_000]) expect(ticks({ from: 0, to: length }, 740).length).toBeLessThanOrEqual(12);
  });

  it('means what is not silent', () => {
    expect(meanDbfs(track([null, null]))).toBeUndefined();
    expect(meanDbfs(track([-14, null, -14]))).toBeCloseTo(-20);
  });
});

describe('gaps', () => {
  const spans: Span[] = [
    { Kind: 'speech', At: 0, Samples: 8_000 },
    { Kind: 'lost', At: 16_000, Samples: 160 },
    { Kind: 'pause', At: 8_000, Samples: 4_000 },
    { Kind: 'key', At: 20_000, Samples: 0, Key: '4' },
    { Kind: 'key', At: 20_080, Samples: 0, Key: '0' },
    { Kind: 'key', At: 60_000, Samples: 0, Key: '#' },
  ];

  it('stand in their order on the axis of the call', () => {
    expect(gaps(spans, 500)).toEqual([
      { kind: 'pause', from: 1_500, length: 500, samples: 4_000 },
      { kind: 'lost', from: 2_500, length: 20, samples: 160 },
    ]);
  });

  it('are seen however short a loss is', () => {
    const [mark] = marks(gaps([{ Kind: 'lost', At: 80_000, Samples: 160 }], 0), { from: 0, to: 100_000 }, 1_000);
    expect(mark).toMatchObject({ kind: 'lost', width: 4, count: 1 });
  });

  it('become one mark with a count where they stand close, of one kind and under 1 px', () => {
    const close: Span[] = [0, 1, 2].map((at) => ({ Kind: 'lost', At: 80_000 + at * 1_600, Samples: 160 }));
    const merged = marks(gaps([...close, { Kind: 'late', At: 80_800, Samples: 160 }], 0), { from: 0, to: 1_000_000 }, 1_000);
    expect(merged.map(({ kind, count }) => [kind, count])).toEqual([['lost', 3], ['late', 1]]);
    expect(marks(gaps(close, 0), { from: 10_000, to: 10_700 }, 1_000).length).toBe(3);
  });

  it('out of view are not drawn', () => {
    expect(marks(gaps(spans, 0), { from: 10_000, to: 20_000 }, 500)).toEqual([]);
  });

  it('of keys share a chip where they stand closer than 14 px', () => {
    expect(chips(spans, 0, { from: 0, to: 10_000 }, 1_000).map(({ keys }) => keys)).toEqual(['40', '#']);
    expect(chips(spans, 0, { from: 2_400, to: 2_600 }, 1_000).map(({ keys }) => keys)).toEqual(['4', '0']);
  });

  it('sum to what is captured and what is not', () => {
    expect(account(drawn(80_000, spans))).toEqual({ captured: 9_500, paused: 500, lost: 20, losses: 1 });
    expect(account(drawn(0, []))).toEqual({ captured: 0, paused: 0, lost: 0, losses: 0 });
    expect(speechShare(drawn(80_000, spans), 'AUDIO_FROM_CUSTOMER')).toBeCloseTo(1 / 9.5);
  });
});
