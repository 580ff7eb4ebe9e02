/** Where the arrow keys lead from block to block. */
import { ENTRY, edgesOf, type Block, type Edge, type FlowModel } from './model';

export type Step = 'on' | 'back' | 'next' | 'previous';

/**
 * From a block: `on` follows the branch that most calls took (the first, where nothing is known), `back` returns to the block one came from, `next`
 * and `previous` go to the other branches of that block. Where there is none, they go along the reading order.
 */
export function step(flow: FlowModel, order: readonly Block[], from: string, by: Step, cameFrom: string | undefined, taken?: (edge: Edge) => number): string | undefined {
  const edges = edgesOf(flow).filter((edge) => !edge.isBroken && edge.from !== ENTRY);
  const widest = (found: Edge[]): Edge | undefined => {
    const count = (edge: Edge): number => taken?.(edge) ?? 0;
    return found.reduce<Edge | undefined>((best, edge) => (!best || count(edge) > count(best) ? edge : best), undefined);
  };
  const into = edges.filter((edge) => edge.to === from && edge.from !== from);
  const parent = into.find((edge) => edge.from === cameFrom)?.from ?? widest(into)?.from;
  if (by === 'back') return parent;
  if (by === 'on') {
    const out = edges.filter((edge) => edge.from === from && edge.to !== from);
    return widest([...out.filter((edge) => !edge.isFailure), ...out.filter((edge) => edge.isFailure)])?.to;
  }
  const siblings = edges.filter((edge) => edge.from === parent && edge.to !== parent).map((edge) => edge.to);
  const list = siblings.length > 1 ? siblings : order.map((block) => block.id);
  const at = list.indexOf(from) + (by === 'next' ? 1 : -1);
  return list[at];
}
