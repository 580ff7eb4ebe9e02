/** Where blocks and lines are drawn. */
import type * as Dagre from '@dagrejs/dagre';
import { ENTRY, edgesOf, type Edge, type FlowModel } from './model';

export const NODE = { width: 184, height: 76 };
const ENTRY_SIZE = { width: 96, height: 36 };
const BROKEN_SIZE = { width: 150, height: 36 };

export interface Placed {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Line extends Edge {
  /** An SVG path. */
  path: string;
  /** Where its label stands. */
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  nodes: ReadonlyMap<string, Placed>;
  entry: Placed;
  /** Blocks that branches name and the flow does not have. */
  broken: Placed[];
  lines: Line[];
  /** Branches that would be long lines, by block: they are written in it. */
  written: ReadonlyMap<string, Edge[]>;
}

const MARGIN = 16;
const WRITTEN_HEIGHT = 16;
/** How many ranks all lines together may cross: beyond, the time of a layout grows fast, and nothing can be followed with the eye. */
const MOST_RANKS = 200;
/** A line over so few ranks is always drawn. */
const SHORT = 2;
/** A block may have an empty identifier, or one that the layout keeps for itself. */
const key = (id: string): string => `b${id}`;

/** Lays out a flow from top to bottom. */
export function layOut(dagre: Pick<typeof Dagre, 'Graph' | 'layout'>, flow: FlowModel): Layout {
  const graph = new dagre.Graph({ multigraph: true, directed: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 28, edgesep: 14, ranksep: 34, marginx: MARGIN, marginy: MARGIN });
  const all = edgesOf(flow);
  const long = longEdges(flow, all);
  const edges = all.filter((edge) => !long.has(edge));
  const written = new Map<string, Edge[]>();
  for (const edge of long) written.set(edge.from, [...(written.get(edge.from) ?? []), edge]);
  graph.setNode(key(ENTRY), { ...ENTRY_SIZE });
  for (const id of flow.byId.keys()) graph.setNode(key(id), { width: NODE.width, height: NODE.height + WRITTEN_HEIGHT * (written.get(id)?.length ?? 0) });
  for (const edge of edges) if (edge.isBroken) graph.setNode(key(edge.to), { ...BROKEN_SIZE });
  for (const edge of edges) {
    // Lines of failures may be long: the way that calls should take is the straight one.
    graph.setEdge(key(edge.from), key(edge.to), { width: edge.label ? labelWidth(edge.label) + COUNT_WIDTH : 0, height: edge.label ? 18 : 0, labelpos: 'c', weight: edge.isFailure ? 1 : 4 });
  }
  dagre.layout(graph);
  const placed = (id: string): Placed => {
    const { x = 0, y = 0, width = 0, height = 0 } = graph.node(key(id)) as Partial<Placed>;
    return { id, x: x - width / 2, y: y - height / 2, width, height };
  };
  const nodes = new Map([...flow.byId.keys()].map((id) => [id, placed(id)]));
  const brokenIds = new Set(edges.filter((edge) => edge.isBroken).map((edge) => edge.to));
  const lines = edges.map((edge): Line => {
    const { points = [], x, y } = graph.edge(key(edge.from), key(edge.to)) as { points?: Point[]; x?: number; y?: number };
    const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
    if (edge.from === edge.to) return { ...edge, ...ownLoop(placed(edge.from), x ?? 0) };
    return { ...edge, path: rounded(points), x: x ?? middle.x, y: y ?? middle.y };
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { width, height, nodes, entry: placed(ENTRY), broken: [...brokenIds].map(placed), lines, written };
}

/** The lines that are not drawn: failures first, and of these the longest. Each block keeps one line that leads to it. */
function longEdges(flow: FlowModel, edges: readonly Edge[]): ReadonlySet<Edge> {
  const rank = ranks(flow, edges);
  const span = (edge: Edge): number => Math.abs((rank.get(edge.to) ?? 0) - (rank.get(edge.from) ?? 0));
  let crossed = edges.reduce((sum, edge) => sum + span(edge), 0);
  const into = new Map<string, number>();
  for (const edge of edges) into.set(edge.to, (into.get(edge.to) ?? 0) + 1);
  const long = new Set<Edge>();
  const candidates = edges.filter((edge) => edge.from !== ENTRY && span(edge) > SHORT);
  candidates.sort((one, other) => Number(other.isFailure) - Number(one.isFailure) || span(other) - span(one));
  for (const edge of candidates) {
    const left = into.get(edge.to) ?? 0;
    if (crossed <= MOST_RANKS) break;
    if (left <= 1) continue;
    into.set(edge.to, left - 1);
    crossed -= span(edge);
    long.add(edge);
  }
  return long;
}

/** About in which rank a block will lie: as far from the start as a way without loops can be. */
function ranks(flow: FlowModel, edges: readonly Edge[]): ReadonlyMap<string, number> {
  const out = new Map<string, string[]>();
  for (const edge of edges) out.set(edge.from, [...(out.get(edge.from) ?? []), edge.to]);
  const done: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const forward = new Map<string, string[]>();
  for (const begin of [ENTRY, ...flow.byId.keys()]) {
    const path: { id: string; next: number }[] = state.has(begin) ? [] : [{ id: begin, next: 0 }];
    if (path.length > 0) state.set(begin, 'open');
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const to = out.get(top.id)?.[top.next++];
      if (to === undefined) {
        state.set(top.id, 'done');
        done.push(top.id);
        path.pop();
      } else if (state.get(to) !== 'open') {
        forward.set(top.id, [...(forward.get(top.id) ?? []), to]);
        if (!state.has(to)) {
          state.set(to, 'open');
          path.push({ id: to, next: 0 });
        }
      }
    }
  }
  const rank = new Map<string, number>();
  for (const id of done.reverse()) for (const to of forward.get(id) ?? []) rank.set(to, Math.max(rank.get(to) ?? 0, (rank.get(id) ?? 0) + 1));
  return rank;
}

/** A loop of a block to itself, at its right, where the layout has left room for the label. */
function ownLoop({ x, y, width, height }: Placed, labelAt: number): Pick<Line, 'path' | 'x' | 'y'> {
  const right = x + width;
  const far = Math.max(labelAt, right + 24);
  const [upper, lower] = [y + height * 0.22, y + height * 0.78];
  const points = [{ x: right, y: lower }, { x: far, y: lower }, { x: far, y: upper }, { x: right, y: upper }];
  return { path: rounded(points), x: far, y: y + height / 2 };
}

interface Point {
  x: number;
  y: number;
}

/** About how wide a label of 11 px is. */
export const labelWidth = (label: string): number => (label === '' ? 0 : label.length * 5.8 + 8);

/** Room for the count behind a label, so that nothing moves when it comes. */
const COUNT_WIDTH = 34;

const round = (value: number): number => Math.round(value * 10) / 10;

/** A path through points whose corners are round. */
export function rounded(points: readonly Point[], radius = 10): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let path = `M${round(first.x)} ${round(first.y)}`;
  rest.forEach((point, at) => {
    const before = points[at];
    const after = rest[at + 1];
    if (!after || !before) {
      path += `L${round(point.x)} ${round(point.y)}`;
      return;
    }
    const begin = towards(point, before, radius);
    const end = towards(point, after, radius);
    path += `L${round(begin.x)} ${round(begin.y)}Q${round(point.x)} ${round(point.y)} ${round(end.x)} ${round(end.y)}`;
  });
  return path;
}

/** The point that lies `distance` from one on the way to another, half the way at most. */
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(distance / length, 0.5);
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

/** The width of a line in pixels: by the root of the calls that took it. */
export const lineWidth = (count: number, most: number): number => (count <= 0 || most <= 0 ? 1.5 : 1.5 + 5.5 * Math.sqrt(count / most));
