import type { Acknowledgement } from '../api/tympan';

/** How far a fragment has come by its acknowledgement: 1 to 3, and 0 for one that is of no fragment's way. */
export function steps(event: Acknowledgement['EventType']): number {
  return ['BUFFERING', 'RECEIVED', 'PERSISTED'].indexOf(event) + 1;
}

/** How many acknowledgements were told between two readings and are in neither. */
export function missing(before: readonly Acknowledgement[], now: readonly Acknowledgement[]): number {
  const last = before.at(-1)?.Sequence;
  const first = now[0]?.Sequence;
  return last === undefined || first === undefined ? 0 : Math.max(0, first - last - 1);
}
