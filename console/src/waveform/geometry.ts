import type { Levels } from './levels';
import { MOST_COLUMNS } from './levels';

/** The part of a time axis that is in view, in milliseconds from the begin of the call. */
export interface View {
  from: number;
  to: number;
}

/** A bar is 2 px wide with 1 px between. */
export const BAR = 3;
/** The most that one wheel step or key zooms in or out. */
const NARROWEST_MS = 1_000;

export const span = ({ from, to }: View): number => Math.max(1, to - from);

/** Where a time stands in a lane of some width. */
export const xOf = (time: number, view: View, width: number): number => ((time - view.from) / span(view)) * width;

/** Which time stands at a place of a lane. */
export const timeAt = (x: number, view: View, width: number): number => view.from + (x / Math.max(1, width)) * span(view);

/** Columns to ask for, so that each bar of the view has one at least: the server divides the whole axis. */
export function columnsFor(width: number, view: View, length: number): number {
  const bars = Math.ceil(width / BAR);
  return Math.max(1, Math.min(MOST_COLUMNS, Math.ceil((bars * length) / span(view))));
}

export interface Bar {
  x: number;
  rms: number;
  peak: number;
}

/** The bars of a view. `offset` is where the levels begin on the axis. A bar shows the loudest of what it covers. */
export function bars(levels: Levels, offset: number, view: View, width: number, step = BAR): Bar[] {
  const made: Bar[] = [];
  const count = levels.peak.length;
  if (count === 0 || levels.length <= 0) return made;
  const perColumn = levels.length / count;
  for (let x = 0; x < width; x += step) {
    const begin = (timeAt(x, view, width) - offset) / perColumn;
    const end = (timeAt(x + step, view, width) - offset) / perColumn;
    const [first, last] = [Math.max(0, Math.floor(begin)), Math.min(count, Math.max(Math.floor(begin) + 1, Math.ceil(end)))];
    if (end <= 0 || begin >= count) continue;
    let [rms, peak] = [0, 0];
    for (let column = first; column < last; column++) {
      rms = Math.max(rms, levels.rms[column] ?? 0);
      peak = Math.max(peak, levels.peak[column] ?? 0);
    }
    made.push({ x, rms, peak });
  }
  return made;
}

/** Half the height of a bar in a lane: telephone speech is quiet, so that the scale is bent. */
export const barHeight = (amplitude: number, height: number): number => (height / 2 - 3) * amplitude ** 0.62;

/** The end of the axis of a call that is up: it steps by a quarter as it fills, so that nothing creeps. */
export function liveEnd(now: number, end: number): number {
  let stepped = Math.max(end, 20_000);
  while (now > stepped * 0.95) stepped *= 1.25;
  return stepped;
}

/** Zooms about a time; the view stays within the axis. */
export function zoom(view: View, factor: number, about: number, length: number): View {
  const wanted = Math.max(NARROWEST_MS, Math.min(length, span(view) * factor));
  const share = (about - view.from) / span(view);
  return within({ from: about - wanted * share, to: about + wanted * (1 - share) }, length);
}

/** Moves a view into the axis. */
export function within(view: View, length: number): View {
  const wide = Math.min(span(view), length);
  const from = Math.max(0, Math.min(view.from, length - wide));
  return { from, to: from + wide };
}

const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400];

/** Times of the ruler: round ones, at least so many px apart. */
export function ticks(view: View, width: number, apart = 74): number[] {
  const least = (span(view) / Math.max(1, width)) * apart;
  const step = (STEPS_S.find((seconds) => seconds * 1000 >= least) ?? 28_800) * 1000;
  const made: number[] = [];
  for (let time = Math.ceil(view.from / step) * step; time <= view.to; time += step) made.push(time);
  return made;
}
