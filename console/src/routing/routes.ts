/** What the address says. A phone number or an attribute's value stands behind `#` only: no log and no Referer has it. */
export type Route =
  | { page: Alone }
  | { page: 'contact'; id: string }
  | { page: 'stream'; name: string }
  | { page: Section; alias: string }
  | { page: 'flow'; alias: string; id: string }
  | { page: 'not-found' };

/** Pages whose path is their name. */
const ALONE = ['wallboard', 'contacts', 'streams', 'keys', 'instances', 'access', 'audit', 'health', 'sign-in'] as const;
type Alone = 'overview' | (typeof ALONE)[number];

/** Pages of an instance. */
export const SECTIONS = ['data-storage', 'flows', 'phone-numbers', 'queues', 'users', 'prompts', 'functions'] as const;
export type Section = (typeof SECTIONS)[number];

const oneOf = <T extends string>(names: readonly T[], name: string | undefined): T | undefined => names.find((known) => known === name);

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/** The page of a path. */
export function routeOf(path: string): Route {
  const parts = path.replace(/^\/+|\/+$/g, '').split('/').map(decode);
  const [first, second, third, fourth] = parts;
  if (parts.length === 1 && first === '') return { page: 'overview' };
  if (parts.some((part) => !part)) return { page: 'not-found' };
  if (parts.length === 1) {
    const page = oneOf(ALONE, first);
    if (page) return { page };
  }
  if (parts.length === 2 && second) {
    if (first === 'contacts') return { page: 'contact', id: second };
    if (first === 'streams') return { page: 'stream', name: second };
  }
  if (first === 'instances' && second) {
    const page = oneOf(SECTIONS, third);
    if (parts.length === 3 && page) return { page, alias: second };
    if (parts.length === 4 && third === 'flows' && fourth) return { page: 'flow', alias: second, id: fourth };
  }
  return { page: 'not-found' };
}

/** The path of a page. */
export function pathOf(route: Route): string {
  switch (route.page) {
    case 'overview':
      return '/';
    case 'contact':
      return `/contacts/${encodeURIComponent(route.id)}`;
    case 'stream':
      return `/streams/${encodeURIComponent(route.name)}`;
    case 'flow':
      return `/instances/${encodeURIComponent(route.alias)}/flows/${encodeURIComponent(route.id)}`;
    case 'not-found':
      return '/not-found';
    default:
      return 'alias' in route ? `/instances/${encodeURIComponent(route.alias)}/${route.page}` : `/${route.page}`;
  }
}

/** A query or a fragment without the names that have no value; in a stable order, so that equal views have equal addresses. */
export function parameters(values: Record<string, string | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') search.append(name, value);
  return search.toString();
}

/** Joins a path with a query and a fragment, each without its sign. */
export const address = (path: string, query = '', fragment = ''): string =>
  path + (query && `?${query}`) + (fragment && `#${fragment}`);

/** Where a sign-in leads back to: a path of this console, or the first page. */
export function returnAddress(wanted: string | null | undefined): string {
  if (!wanted || !/^\/(?![/\\])/.test(wanted) || wanted.startsWith('/sign-in') || wanted.startsWith('/api/')) return '/';
  return wanted;
}
