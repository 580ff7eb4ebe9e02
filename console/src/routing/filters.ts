import { parameters } from './routes';

/** The conditions of a search of contacts, as the address holds them. */
export interface Filters {
  range?: string;
  from?: string;
  to?: string;
  tz?: string;
  flow?: string;
  queue?: string;
  agent?: string;
  state?: 'live' | 'ended';
  stream?: 'yes' | 'no';
  /** Whether audio was sent that was not captured. */
  losses?: 'yes' | 'no';
  /** The oldest first; the newest are unless it is there. No condition. */
  sort?: 'started';
  /** Columns of the list, where they were chosen: see columns.ts. No condition. */
  cols?: string;
  /** A part of a number: behind `#`. */
  number?: string;
  attributeName?: string;
  /** An attribute's value: behind `#`. */
  attributeValue?: string;
}

const oneOf = <T extends string>(value: string | null, allowed: readonly T[]): T | undefined =>
  allowed.find((one) => one === value);

/** Reads the conditions from a query and a fragment, each without its sign. */
export function readFilters(query: string, fragment: string): Filters {
  const open = new URLSearchParams(query);
  const hidden = new URLSearchParams(fragment);
  const filters: Filters = {};
  for (const name of ['range', 'from', 'to', 'tz', 'flow', 'queue', 'agent', 'cols'] as const) {
    const value = open.get(name);
    if (value) filters[name] = value;
  }
  const state = oneOf(open.get('state'), ['live', 'ended'] as const);
  const stream = oneOf(open.get('stream'), ['yes', 'no'] as const);
  const losses = oneOf(open.get('losses'), ['yes', 'no'] as const);
  if (state) filters.state = state;
  if (stream) filters.stream = stream;
  if (losses) filters.losses = losses;
  if (open.get('sort') === 'started') filters.sort = 'started';
  const digits = (hidden.get('n') ?? '').replace(/\D/g, '');
  if (digits) filters.number = digits;
  for (const [name, value] of hidden) {
    if (!name.startsWith('a.') || name.length === 2) continue;
    filters.attributeName = name.slice(2);
    filters.attributeValue = value;
    break;
  }
  return filters;
}

/** What of the conditions may stand in a log. */
export const openPart = (filters: Filters): string => {
  const { range, from, to, tz, flow, queue, agent, state, stream, losses, sort, cols } = filters;
  return parameters({ range, from, to, tz, flow, queue, agent, state, stream, losses, sort, cols });
};

/** What of the conditions stands behind `#`. */
export function hiddenPart({ number, attributeName, attributeValue }: Filters): string {
  const hidden: Record<string, string | undefined> = { n: number };
  if (attributeName && attributeValue !== undefined) hidden[`a.${attributeName}`] = attributeValue;
  return parameters(hidden);
}
