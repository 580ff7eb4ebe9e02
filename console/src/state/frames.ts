import type { ContactSummary } from '../api/tympan';

/** A text frame of the live feed. */
export interface Frame {
  Type: 'Begin' | 'Event' | 'Progress';
  /** Larger than the exact numbers of JavaScript: text. */
  Revision: string;
  Kind?: string;
  Operation?: 'PUT' | 'ERASED';
  Id?: string;
  Contact?: ContactSummary;
}

/** Reads a frame; undefined for what is none. */
export function readFrame(text: string): Frame | undefined {
  try {
    const frame = JSON.parse(text) as Partial<Frame> | null;
    return typeof frame?.Type === 'string' && typeof frame.Revision === 'string' ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}

/** How long to wait before the next attempt, in milliseconds. */
export const delay = (failures: number): number => Math.min(30_000, 1_000 * 2 ** Math.min(failures, 5));
