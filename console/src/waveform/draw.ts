import { barHeight, bars, BAR, xOf, type View } from './geometry';
import { marks, type Gap, type GapKind, type Mark } from './gaps';
import type { Levels } from './levels';

/** Colours of the page as the canvas needs them. */
export interface Palette {
  core: string;
  peak: string;
  edge: string;
  well: string;
  sheet: string;
  ink2: string;
  ink3: string;
  danger: string;
  live: string;
  font: string;
}

export function palette(element: Element, lane: 'from' | 'to'): Palette {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    core: read(`--${lane}`),
    peak: read(`--${lane}-peak`),
    edge: read('--edge'),
    well: read('--well'),
    sheet: read('--sheet'),
    ink2: read('--ink2'),
    ink3: read('--ink3'),
    danger: read('--danger'),
    live: read('--live'),
    font: `600 11px ${style.fontFamily}`,
  };
}

export interface Lane {
  view: View;
  /** What was captured; undefined before it is there. */
  levels: Levels | undefined;
  /** Where the levels begin on the axis. */
  offset: number;
  gaps: readonly Gap[];
  holds?: readonly { from: number; to: number }[];
  /** The edge of a call that is up. */
  now?: number | undefined;
  /** A shape of a list: bars of 1 px without a space. */
  isShape?: boolean;
}

/** Draws a lane over the whole of a canvas, on device pixels. */
export function drawLane(canvas: HTMLCanvasElement, lane: Lane, colours: Palette): void {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (width === 0 || height === 0) return;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext('2d');
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  if (lane.now !== undefined) {
    const ahead = xOf(lane.now, lane.view, width);
    context.fillStyle = colours.well;
    context.fillRect(ahead, 0, width - ahead, height);
  }
  for (const hold of lane.holds ?? []) drawHold(context, hold, lane, width, height, colours);
  if (lane.levels) drawBars(context, lane, lane.levels, width, height, colours);
  for (const mark of marks(lane.gaps, lane.view, width)) drawGap(context, mark, height, colours);
}

function drawBars(context: CanvasRenderingContext2D, lane: Lane, levels: Levels, width: number, height: number, colours: Palette): void {
  const middle = height / 2;
  const step = lane.isShape ? 1 : BAR;
  const [begin, end] = [xOf(lane.offset, lane.view, width), xOf(lane.offset + levels.length, lane.view, width)];
  // Digital silence is a hairline: something was captured, and it is silent.
  context.fillStyle = colours.peak;
  context.fillRect(Math.max(0, begin), middle - 0.5, Math.min(width, end) - Math.max(0, begin), 1);
  for (const { x, rms, peak } of bars(levels, lane.offset, lane.view, width, step)) {
    if (peak === 0) continue;
    const [outer, inner] = [barHeight(peak, height), barHeight(rms, height)];
    // A low bar has no space beside it, so that noise is a line.
    const thick = lane.isShape || outer < 2 ? step : 2;
    context.fillStyle = colours.peak;
    context.fillRect(x, middle - outer, thick, Math.max(1, outer * 2));
    context.fillStyle = colours.core;
    context.fillRect(x, middle - inner, thick, Math.max(1, inner * 2));
    // Over -1 dBFS the telephone clips.
    if (peak > 0.891) {
      context.fillRect(x, middle - outer - 2, thick, 2);
      context.fillRect(x, middle + outer, thick, 2);
    }
  }
}

function drawHold(context: CanvasRenderingContext2D, hold: { from: number; to: number }, lane: Lane, width: number, height: number, colours: Palette): void {
  const [begin, end] = [xOf(hold.from, lane.view, width), xOf(hold.to, lane.view, width)];
  context.fillStyle = colours.well;
  context.fillRect(begin, 0, end - begin, height);
  for (const top of [0, height - 9]) {
    within(context, begin, top, end - begin, 9, () => slants(context, begin, top, end - begin, 9, 6, colours.edge));
  }
  context.fillStyle = colours.edge;
  context.fillRect(begin, 0, 1, height);
  context.fillRect(end - 1, 0, 1, height);
  label(context, 'hold', begin + 4, 18, end - begin - 8, colours.ink2, colours, false);
}

const BORDERED: ReadonlySet<GapKind> = new Set(['lost', 'late']);

function drawGap(context: CanvasRenderingContext2D, mark: Mark, height: number, colours: Palette): void {
  const [x, width] = [Math.round(mark.x), Math.max(1, Math.round(mark.width))];
  // A key that came as an event is in the row of keys; what precedes the first packet is silence.
  if (mark.kind === 'event' || mark.kind === 'start' || mark.kind === 'jump') return;
  const [top, tall] = mark.kind === 'dtx' ? [Math.round(height / 3), Math.round(height / 3)] : [0, height];
  context.fillStyle = colours.sheet;
  context.fillRect(x, top, width, tall);
  within(context, x, top, width, tall, () => pattern(context, mark.kind, x, top, width, tall, colours));
  if (BORDERED.has(mark.kind)) {
    context.fillStyle = colours.danger;
    context.fillRect(x, 0, 1, height);
    context.fillRect(x + width - 1, 0, 1, height);
  }
  if (mark.kind === 'pause') {
    context.strokeStyle = colours.edge;
    context.lineWidth = 1;
    context.setLineDash([4, 3]);
    context.strokeRect(x + 0.5, 0.5, Math.max(1, width - 1), height - 1);
    context.setLineDash([]);
    if (height >= 28) label(context, 'paused', x, height / 2, width, colours.ink2, colours, true);
  }
  if (mark.kind === 'absent' && height >= 28) label(context, 'not kept', x, height / 2, width, colours.ink3, colours, true);
}

/** Draws the pattern of a kind of gap. */
export function pattern(context: CanvasRenderingContext2D, kind: GapKind | 'hold', x: number, y: number, width: number, height: number, colours: Palette): void {
  switch (kind) {
    case 'lost':
      slants(context, x, y, width, height, 4, colours.danger);
      slants(context, x, y, width, height, 4, colours.danger, true);
      break;
    case 'late':
      context.fillStyle = colours.danger;
      for (let at = x; at < x + width; at += 4) context.fillRect(at, y, 2, height);
      break;
    case 'pause':
      context.fillStyle = colours.edge;
      for (let row = y + 4; row < y + height; row += 6) for (let at = x + 4; at < x + width; at += 6) context.fillRect(at, row, 1, 1);
      break;
    case 'dtx':
      context.fillStyle = colours.edge;
      for (let row = y + 1; row < y + height; row += 5) context.fillRect(x, row, width, 1);
      break;
    case 'suppressed':
      context.fillStyle = colours.ink2;
      for (let row = 0; row < height; row += 3) for (let at = row % 6 === 0 ? 0 : 3; at < width; at += 6) context.fillRect(x + at, y + row, 3, 3);
      break;
    case 'hold':
      slants(context, x, y, width, height, 6, colours.edge);
      break;
    default:
      break;
  }
}

function within(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  draw();
  context.restore();
}

function slants(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, apart: number, colour: string, isBack = false): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = x - height; at < x + width + height; at += apart) {
    context.moveTo(at, isBack ? y : y + height);
    context.lineTo(at + height, isBack ? y + height : y);
  }
  context.stroke();
}

function label(context: CanvasRenderingContext2D, text: string, x: number, y: number, width: number, colour: string, colours: Palette, isCentred: boolean): void {
  context.font = colours.font;
  const wide = context.measureText(text).width;
  if (wide + 8 > width) return;
  const left = isCentred ? x + (width - wide) / 2 : x;
  context.fillStyle = isCentred ? colours.sheet : colours.well;
  context.fillRect(left - 3, y - 8, wide + 6, 16);
  context.fillStyle = colour;
  context.textBaseline = 'middle';
  context.fillText(text, left, y);
}
