import type { Span } from '../waveform/levels';
import type { Range } from './past';

/** Kinds of the index that are heard. */
const SOUNDS: ReadonlySet<string> = new Set(['speech', 'tone', 'key-tone']);
/** What is left of a silence before and after a sound, so that no word loses its begin. */
const BEFORE = 1_600;
const AFTER = 2_400;
/** Shorter silences are played. */
const LEAST = 5_600;

/** Where the sounds of some tracks begin and end, joined. */
export function sounds(tracks: readonly (readonly Span[])[]): Range[] {
  const all = tracks.flatMap((spans) => spans.filter((span) => SOUNDS.has(span.Kind)).map(({ At, Samples }) => ({ from: At, to: At + Samples })));
  all.sort((a, b) => a.from - b.from);
  const joined: Range[] = [];
  for (const { from, to } of all) {
    const last = joined.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

/** The silences that a listener need not hear, up to where the index is known. */
export function silences(tracks: readonly (readonly Span[])[], known: number): Range[] {
  const found: Range[] = [];
  let end = -AFTER;
  for (const { from, to } of [...sounds(tracks), { from: known + BEFORE, to: known }]) {
    const silence = { from: end + AFTER, to: Math.min(known, from - BEFORE) };
    if (silence.to - silence.from >= LEAST) found.push(silence);
    end = Math.max(end, to);
  }
  return found;
}
