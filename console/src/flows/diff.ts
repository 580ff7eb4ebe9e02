/** The difference of two contents: by lines (Myers, "An O(ND) Difference Algorithm"), and by blocks. */
import type { Block, FlowModel } from './model';

export interface Change {
  kind: 'same' | 'removed' | 'added';
  text: string;
  /** The line in the first text, and in the second; counted from 1. */
  before?: number;
  after?: number;
}

/** Steps of the search at most; texts that differ more are given as one replaced by the other. */
const MOST_STEPS = 1_000;

export function diffLines(first: string, second: string): Change[] {
  const [a, b] = [first.split('\n'), second.split('\n')];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const [left, right] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const middle = script(left, right) ?? [...left.map(() => 'removed' as const), ...right.map(() => 'added' as const)];
  const changes: Change[] = [];
  let [before, after] = [0, 0];
  const put = (kind: Change['kind']): void => {
    if (kind === 'same') changes.push({ kind, text: a[before] ?? '', before: ++before, after: ++after });
    else if (kind === 'removed') changes.push({ kind, text: a[before] ?? '', before: ++before });
    else changes.push({ kind, text: b[after] ?? '', after: ++after });
  };
  for (let at = 0; at < head; at++) put('same');
  middle.forEach(put);
  for (let at = 0; at < tail; at++) put('same');
  return changes;
}

/** The shortest script that makes one list the other; undefined where it would take too long. */
function script(a: readonly string[], b: readonly string[]): Change['kind'][] | undefined {
  const [n, m] = [a.length, b.length];
  const most = Math.min(n + m, MOST_STEPS);
  // How far each diagonal is reached; what was known before each step leads back.
  const reached = new Int32Array(2 * most + 3);
  const trail: Int32Array[] = [];
  const at = (k: number): number => reached[k + most + 1] ?? 0;
  for (let d = 0; d <= most; d++) {
    trail.push(reached.slice(most - d, most + d + 3));
    for (let k = -d; k <= d; k += 2) {
      let x = isDown(at, k, d) ? at(k + 1) : at(k - 1) + 1;
      while (x < n && x - k < m && a[x] === b[x - k]) x++;
      reached[k + most + 1] = x;
      if (x >= n && x - k >= m) return back(trail, n, m);
    }
  }
  return undefined;
}

/** Whether a step onto a diagonal takes a line of the second text. */
const isDown = (at: (k: number) => number, k: number, d: number): boolean => k === -d || (k !== d && at(k - 1) < at(k + 1));

function back(trail: readonly Int32Array[], n: number, m: number): Change['kind'][] {
  const kinds: Change['kind'][] = [];
  let [x, y] = [n, m];
  for (let d = trail.length - 1; d >= 0; d--) {
    const at = (k: number): number => trail[d]?.[k + d + 1] ?? 0;
    const k = x - y;
    const down = isDown(at, k, d);
    const beforeX = d === 0 ? 0 : at(down ? k + 1 : k - 1);
    const beforeY = d === 0 ? 0 : beforeX - (down ? k + 1 : k - 1);
    while (x > beforeX && y > beforeY) {
      kinds.push('same');
      x--;
      y--;
    }
    if (d === 0) break;
    kinds.push(down ? 'added' : 'removed');
    [x, y] = [beforeX, beforeY];
  }
  return kinds.reverse();
}

/** The changes with the lines around them; `hidden` lines lie before a piece. */
export interface Piece {
  hidden: number;
  changes: Change[];
}

export function pieces(changes: readonly Change[], around = 3): Piece[] {
  const isNear = new Array<boolean>(changes.length).fill(false);
  changes.forEach((change, at) => {
    if (change.kind !== 'same') for (let near = Math.max(0, at - around); near <= Math.min(changes.length - 1, at + around); near++) isNear[near] = true;
  });
  const found: Piece[] = [];
  let hidden = 0;
  let open: Piece | undefined;
  changes.forEach((change, at) => {
    if (!isNear[at]) {
      hidden++;
      open = undefined;
      return;
    }
    if (!open) {
      open = { hidden, changes: [] };
      found.push(open);
      hidden = 0;
    }
    open.changes.push(change);
  });
  return found;
}

/** A block that is not the same in both. */
export interface BlockChange {
  id: string;
  before: Block | undefined;
  after: Block | undefined;
  /** The members that differ, as text; each side is empty where it has none. */
  parts: { name: string; before: string; after: string }[];
}

export function changedBlocks(before: FlowModel, after: FlowModel): BlockChange[] {
  const ids = [...new Set([...before.byId.keys(), ...after.byId.keys()])];
  return ids.flatMap((id) => {
    const [one, other] = [before.byId.get(id), after.byId.get(id)];
    const parts = partsOf(leaves(one?.source), leaves(other?.source));
    return parts.length > 0 ? [{ id, before: one, after: other, parts }] : [];
  });
}

/** The values of a block by their paths. */
function leaves(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    for (const [name, member] of Object.entries(value)) leaves(member, Array.isArray(value) ? `${path}[${name}]` : path ? `${path}.${name}` : name, found);
  } else if (value !== undefined) found.set(path, typeof value === 'string' ? value : JSON.stringify(value));
  return found;
}

function partsOf(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): BlockChange['parts'] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => ({ name, before: before.get(name) ?? '', after: after.get(name) ?? '' }));
}
