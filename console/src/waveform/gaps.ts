import type { Span, Waveform } from './levels';
import { xOf, type View } from './geometry';

/** What is not the customer's own sound, by its cause. */
export type GapKind = 'lost' | 'late' | 'pause' | 'dtx' | 'suppressed' | 'absent' | 'unindexed' | 'start' | 'jump' | 'event';

interface Words {
  name: string;
  happened: string;
  stream: string;
  /** Whether sound was sent, and is not there. */
  isLoss: boolean;
}

export const GAPS: Record<GapKind, Words> = {
  lost: { name: 'Lost', happened: 'packets did not arrive', stream: 'silence of that length', isLoss: true },
  late: { name: 'Late', happened: 'packets came too late and were dropped', stream: 'silence of that length', isLoss: true },
  pause: { name: 'Paused', happened: 'media streaming was stopped, or the telephone was muted or on hold', stream: 'nothing, a jump in time', isLoss: false },
  dtx: { name: 'Quiet phone', happened: 'the telephone sends nothing in silence (RFC 3389)', stream: 'silence, not a loss', isLoss: false },
  suppressed: { name: 'Suppressed', happened: 'keys were typed while a block keeps them secret', stream: 'silence of that length', isLoss: false },
  absent: { name: 'Not kept', happened: 'this was never captured, or its retention is over', stream: 'nothing', isLoss: false },
  unindexed: { name: 'No index', happened: 'nothing that can be listened to', stream: 'bytes that are no audio', isLoss: false },
  start: { name: 'Before sound', happened: 'no packet had arrived yet', stream: 'silence of that length', isLoss: false },
  jump: { name: 'Jump', happened: 'the telephone moved its clock on', stream: 'silence of that length', isLoss: false },
  event: { name: 'Key', happened: 'the telephone sent a key instead of sound (RFC 4733)', stream: 'silence, not a loss', isLoss: false },
};

export const isGap = (kind: string): kind is GapKind => Object.hasOwn(GAPS, kind);

/** A gap on the axis of the call, in milliseconds. */
export interface Gap {
  kind: GapKind;
  from: number;
  length: number;
  samples: number;
}

const RATE_PER_MS = 8;

/** The gaps of a track in their order. `offset` is where its audio begins on the axis of the call. */
export function gaps(spans: readonly Span[], offset: number): Gap[] {
  const found: Gap[] = [];
  for (const { Kind, At, Samples } of spans) {
    if (isGap(Kind) && Samples > 0) found.push({ kind: Kind, from: offset + At / RATE_PER_MS, length: Samples / RATE_PER_MS, samples: Samples });
  }
  return found.sort((a, b) => a.from - b.from);
}

/** A gap as it is drawn. */
export interface Mark {
  kind: GapKind;
  x: number;
  width: number;
  /** Gaps that it stands for. */
  count: number;
}

const LEAST_PX = 4;
const MERGE_PX = 8;

/** Places of gaps in a lane. A loss is never too narrow to be seen; gaps under 1 px that stand close become one mark. */
export function marks(all: readonly Gap[], view: View, width: number): Mark[] {
  const made: Mark[] = [];
  /** The last mark of each kind that is made of gaps under 1 px. */
  const open = new Map<GapKind, Mark>();
  for (const gap of all) {
    const [begin, end] = [xOf(gap.from, view, width), xOf(gap.from + gap.length, view, width)];
    if (end < 0 || begin > width) continue;
    const least = GAPS[gap.kind].isLoss ? LEAST_PX : 1;
    const real = end - begin;
    const near = open.get(gap.kind);
    if (real < 1 && near && begin - (near.x + near.width) <= MERGE_PX) {
      near.width = Math.max(near.width, end - near.x);
      near.count++;
      continue;
    }
    const mark = { kind: gap.kind, x: real < least ? begin - (least - real) / 2 : begin, width: Math.max(least, real), count: 1 };
    made.push(mark);
    if (real < 1) open.set(gap.kind, mark);
  }
  return made;
}

/** Keys as chips: those that stand closer than 14 px share one. */
export interface Chip {
  x: number;
  at: number;
  keys: string;
}

export function chips(spans: readonly Span[], offset: number, view: View, width: number): Chip[] {
  const made: Chip[] = [];
  for (const { Kind, At, Key } of spans) {
    if (Kind !== 'key' || !Key) continue;
    const at = offset + At / RATE_PER_MS;
    const x = xOf(at, view, width);
    if (x < 0 || x > width) continue;
    const near = made.at(-1);
    if (near && x - (near.x + (near.keys.length - 1) * 8) < 14) near.keys += Key;
    else made.push({ x, at, keys: Key });
  }
  return made;
}

/** How much of a call is in the stream, and why the rest is not; in milliseconds. */
export interface Account {
  captured: number;
  paused: number;
  lost: number;
  losses: number;
}

/** Sums a drawing: its axis without what was paused or is not kept, and what was lost of it. */
export function account(waveform: Waveform): Account {
  const sum: Account = { captured: waveform.Samples / RATE_PER_MS, paused: 0, lost: 0, losses: 0 };
  for (const { kind, length } of gaps(waveform.Tracks[0]?.Spans ?? [], 0)) {
    if (kind === 'pause') sum.paused += length;
    if (kind === 'pause' || kind === 'absent') sum.captured -= length;
    if (GAPS[kind].isLoss) {
      sum.lost += length;
      sum.losses++;
    }
  }
  sum.captured = Math.max(0, sum.captured);
  return sum;
}

/** How much of the captured time the customer speaks: for those who do not see the lane. */
export function speechShare(waveform: Waveform, name: string): number | undefined {
  const track = waveform.Tracks.find((one) => one.Name === name);
  const { captured } = account(waveform);
  if (!track || captured <= 0) return undefined;
  const spoken = track.Spans.reduce((sum, one) => sum + (one.Kind === 'speech' ? one.Samples / RATE_PER_MS : 0), 0);
  return Math.min(1, spoken / captured);
}
