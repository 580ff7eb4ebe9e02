/** What calls did in a flow, by block and by line. */
import type { FlowActivity, FlowActivityBlock } from '../api/flows';
import { ENTRY, edgesOf, type Block, type Edge, type FlowModel } from './model';

export interface Lit {
  runs: number;
  isComplete: boolean;
  since: string;
  blocks: ReadonlyMap<string, FlowActivityBlock>;
  /** How many calls took a line; 0: none did. */
  taken: (edge: Pick<Edge, 'from' | 'to'>) => number;
  most: number;
}

const pair = (from: string, to: string): string => `${from}\n${to}`;

export function lit(activity: FlowActivity): Lit {
  const counts = new Map(activity.Transitions.map(({ From, To, Count }) => [pair(From, To), Count]));
  return {
    runs: activity.Runs,
    isComplete: activity.Complete,
    since: activity.Since,
    blocks: new Map(activity.Blocks.map((block) => [block.Identifier, block])),
    taken: ({ from, to }) => (from === ENTRY ? activity.Runs : (counts.get(pair(from, to)) ?? 0)),
    most: Math.max(activity.Runs, 0, ...counts.values()),
  };
}

/** `9 errors, 4.1 %`; empty where there are none. */
export function errorWords({ Errors, Executions }: FlowActivityBlock): string {
  if (Errors === 0) return '';
  const share = Executions > 0 ? `, ${((Errors / Executions) * 100).toFixed(1)} %` : '';
  return `${Errors} ${Errors === 1 ? 'error' : 'errors'}${share}`;
}

/** `41 ms`, `6.1 s`, `2.5 min`. */
export function took(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  return `${(milliseconds / 60_000).toFixed(1)} min`;
}

/** The part of the longest median that a block takes: from 0 to 1, its root, so that short ones are seen. */
export function timePart(lights: Lit, id: string): number {
  const medians = [...lights.blocks.values()].map((block) => block.DurationMilliseconds?.P50 ?? 0);
  const longest = Math.max(0, ...medians);
  const own = lights.blocks.get(id)?.DurationMilliseconds?.P50 ?? 0;
  return longest === 0 ? 0 : Math.sqrt(own / longest);
}

export interface Row {
  block: Block;
  activity: FlowActivityBlock | undefined;
  isUnreached: boolean;
  ways: { label: string; to: string; isFailure: boolean; isBroken: boolean; count: number | undefined }[];
}

/** The facts of the drawing as a table, in reading order. */
export function rows(flow: FlowModel, order: readonly Block[], unreached: ReadonlySet<string>, lights: Lit | undefined): Row[] {
  const ways = new Map<string, Edge[]>();
  for (const edge of edgesOf(flow)) ways.set(edge.from, [...(ways.get(edge.from) ?? []), edge]);
  return order.map((block) => ({
    block,
    activity: lights?.blocks.get(block.id),
    isUnreached: unreached.has(block.id),
    ways: (ways.get(block.id) ?? []).map((edge) => ({ label: edge.label, to: edge.to, isFailure: edge.isFailure, isBroken: edge.isBroken, count: lights?.taken(edge) })),
  }));
}
