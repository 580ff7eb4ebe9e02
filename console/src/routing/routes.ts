/** What the address says. A phone number or an attribute's value stands behind `#` only: no log and no Referer has it. */
export type Route =
  | { page: 'overview' }
  | { page: 'contacts' }
  | { page: 'contact'; id: string }
  | { page: 'streams' }
  | { page: 'stream'; name: string }
  | { page: 'instances' }
  | { page: 'data-storage'; alias: string }
  | { page: 'sign-in' }
  | { page: 'not-found' };

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/** The page of a path. */
export function routeOf(path: string): Route {
  const [first = '', second, third, ...rest] = path.replace(/^\/+|\/+$/g, '').split('/');
  const name = second === undefined ? undefined : decode(second);
  if (rest.length > 0 || (second !== undefined && !name)) return { page: 'not-found' };
  const depth = third !== undefined ? 3 : name !== undefined ? 2 : 1;
  if (depth === 1) {
    if (first === '') return { page: 'overview' };
    if (first === 'contacts' || first === 'streams' || first === 'instances' || first === 'sign-in') return { page: first };
  }
  if (depth === 2 && name) {
    if (first === 'contacts') return { page: 'contact', id: name };
    if (first === 'streams') return { page: 'stream', name };
  }
  if (depth === 3 && name && first === 'instances' && third === 'data-storage') return { page: 'data-storage', alias: name };
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
    case 'data-storage':
      return `/instances/${encodeURIComponent(route.alias)}/data-storage`;
    case 'not-found':
      return '/not-found';
    default:
      return `/${route.page}`;
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
