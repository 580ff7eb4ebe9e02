import type { Span, Track, Waveform } from './levels';

/** A part of a contact's waveform in columns of one length; it grows at its end. */
export interface Part extends Waveform {
  /** Where the first column begins on the axis of the audio, in milliseconds. */
  from: number;
  /** Where the last one ends. */
  to: number;
  columnMs: number;
}

/** What GetWaveform answers where its columns cover a part of the axis. */
export type Answer = Waveform & { FromMilliseconds?: number; ToMilliseconds?: number };

/** Puts an answer into columns of one length, behind those that are known. */
export function grown(before: Part | undefined, answer: Answer, columnMs: number): Part {
  const audio = answer.Samples / 8;
  const [begin, end] = [answer.FromMilliseconds ?? 0, answer.ToMilliseconds ?? audio];
  const from = before ? before.from : begin;
  const first = Math.max(0, Math.floor((begin - from) / columnMs));
  const tracks = answer.Tracks.map((track): Track => {
    const known = before?.Tracks.find((one) => one.Name === track.Name);
    return {
      ...track,
      RmsDbfs: columns(known?.RmsDbfs, first, track.RmsDbfs, begin - from, end - begin, columnMs),
      PeakDbfs: columns(known?.PeakDbfs, first, track.PeakDbfs, begin - from, end - begin, columnMs),
      Spans: joined(known?.Spans ?? [], track.Spans, begin * 8),
      FromAudio: track.FromAudio || (known?.FromAudio ?? false),
      Incomplete: track.Incomplete || (known?.Incomplete ?? false),
    };
  });
  return { ...answer, Tracks: tracks, from, to: Math.max(end, before?.to ?? 0), columnMs };
}

/** Columns before `first` stay; each new one is the loudest of what it covers. */
function columns(known: readonly (number | null)[] | undefined, first: number, given: readonly (number | null)[], offset: number, length: number, columnMs: number): (number | null)[] {
  const made = known ? known.slice(0, first) : [];
  if (given.length === 0 || length <= 0) return made;
  const each = length / given.length;
  const count = Math.ceil((offset + length) / columnMs - 1e-6);
  while (made.length < count) made.push(null);
  given.forEach((level, at) => {
    if (level === null) return;
    // A short column belongs to the one that its middle is in; a long one fills all that it covers.
    const isLong = each > columnMs;
    const begin = Math.floor((offset + (isLong ? at : at + 0.5) * each) / columnMs + 1e-6);
    const end = isLong ? Math.ceil((offset + (at + 1) * each) / columnMs - 1e-6) : begin + 1;
    for (let column = begin; column < Math.min(end, count); column++) made[column] = Math.max(made[column] ?? -Infinity, level);
  });
  return made;
}

/** Spans that end before the answer begins stay. */
function joined(known: readonly Span[], given: readonly Span[], from: number): Span[] {
  const kept = known.filter(({ At, Samples }) => At + Samples < from);
  const names = new Set(kept.map(({ Kind, At }) => `${Kind} ${At}`));
  return [...kept, ...given.filter(({ Kind, At }) => !names.has(`${Kind} ${At}`))].sort((a, b) => a.At - b.At);
}
