/** Operations of Amazon Connect as values: what a page sends is what it shows as code. */
import { call, type Options } from './request';

export type Members = Record<string, unknown>;
type Signal = Pick<Options, 'signal'>;

/** An operation with its members. */
export interface Ask<T = unknown> {
  /** As in the model: `ListQueues`. */
  operation: string;
  /** Under the names of the model. */
  members: Members;
  /** As a command of a shell, where the AWS CLI does not have it. */
  shell?: string;
  run: (options?: Signal) => Promise<T>;
}

/** Names of members in a query, where they are other than those of the model. */
type Query = Record<string, string>;

const withoutUndefined = (members: Members): Members => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/**
 * Declares an operation. Members that the path names in braces go there, those of `query` into the query, the rest is the body.
 */
export function operation<T = unknown>(name: string, method: NonNullable<Options['method']>, path: string, query: Query = {}): (members: Members) => Ask<T> {
  const names: Query = method === 'GET' ? { NextToken: 'nextToken', MaxResults: 'maxResults', ...query } : query;
  return (given) => {
    const members = withoutUndefined(given);
    return {
      operation: name,
      members,
      run: (options = {}) => {
        const rest = { ...members };
        const at = path.replace(/\{(\w+)\}/g, (_, label: string) => {
          const value = rest[label];
          delete rest[label];
          return encodeURIComponent(String(value));
        });
        const asked: Record<string, string> = {};
        for (const [member, parameter] of Object.entries(names)) {
          if (rest[member] !== undefined) asked[parameter] = String(rest[member]);
          delete rest[member];
        }
        return call<T>('connect', at, { ...options, method, query: asked, ...(method === 'POST' || method === 'PUT' ? { body: rest } : {}) });
      },
    };
  };
}

/** All entries of a list, page by page. */
export async function pages<T>(make: (members: Members) => Ask<Record<string, unknown>>, members: Members, list: string, options: Signal = {}): Promise<T[]> {
  const found: T[] = [];
  let token: string | undefined;
  do {
    const page = await make({ ...members, NextToken: token }).run(options);
    found.push(...((page[list] as T[] | undefined) ?? []));
    token = (page['NextToken'] as string | null | undefined) ?? undefined;
  } while (token && found.length < 20_000);
  return found;
}

/** Runs operations one after the other; the first that is refused ends them. */
export async function inOrder(asks: readonly Ask[]): Promise<void> {
  for (const ask of asks) await ask.run();
}
