import { describe, expect, it } from 'vitest';
import { hiddenPart, openPart, readFilters } from './filters';
import { address, parameters, pathOf, returnAddress, routeOf, type Route } from './routes';

describe('routes', () => {
  it('leads each page to its path and back', () => {
    const routes: Route[] = [
      { page: 'overview' },
      { page: 'contacts' },
      { page: 'contact', id: '7f3c41d2-8a05-4c19-b7e2-3d90c11f6a2e' },
      { page: 'streams' },
      { page: 'stream', name: 'a b/ü' },
      { page: 'instances' },
      { page: 'data-storage', alias: 'harbour-line' },
      { page: 'flows', alias: 'harbour-line' },
      { page: 'flow', alias: 'harbour line', id: '1f/2' },
      { page: 'wallboard' },
      { page: 'sign-in' },
    ];
    for (const route of routes) expect(routeOf(pathOf(route))).toEqual(route);
  });

  it('knows what leads nowhere', () => {
    for (const path of ['/contacts/a/b', '/nothing', '/instances/a', '/instances/a/other', '/instances/a/queues/b', '/streams/%E0%A4%A', '//x'])
      expect(routeOf(path).page).toBe('not-found');
    expect(routeOf('/contacts/').page).toBe('contacts');
  });

  it('leaves out what has no value', () => {
    expect(address('/contacts', parameters({ a: '1', b: undefined, c: '' }), '')).toBe('/contacts?a=1');
    expect(address('/contacts')).toBe('/contacts');
  });

  it('leads back to pages of its own only', () => {
    expect(returnAddress('/contacts?state=live#n=55')).toBe('/contacts?state=live#n=55');
    for (const other of ['//evil.example', '/\\evil.example', 'https://evil.example', '/sign-in', '/api/sign-out', '', null])
      expect(returnAddress(other)).toBe('/');
  });
});

describe('filters in the address', () => {
  it('puts a number and the value of an attribute behind #, and nowhere else', () => {
    const filters = readFilters('state=live&stream=yes&queue=q1&n=777&a.language=de', 'n=55-50&a.language=es');
    expect(filters).toEqual({ state: 'live', stream: 'yes', queue: 'q1', number: '5550', attributeName: 'language', attributeValue: 'es' });
    expect(openPart(filters)).toBe('queue=q1&state=live&stream=yes');
    expect(hiddenPart(filters)).toBe('n=5550&a.language=es');
  });

  it('reads what it writes', () => {
    const filters = { from: '2026-11-28T22:00', to: '2026-11-29T06:00', tz: 'America/Los_Angeles', attributeName: 'a&b', attributeValue: 'c=d#' };
    expect(readFilters(openPart(filters), hiddenPart(filters))).toEqual(filters);
  });

  it('passes over what is not a condition', () => {
    expect(readFilters('state=odd&stream=maybe&x=y', 'a.=v&n=abc')).toEqual({});
  });
});
