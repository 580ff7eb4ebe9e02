// What tests of any page need: to wait for it, to judge it by axe, to know all of them.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import ts from 'typescript';
import { until } from './server.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** How long a page may ask again for what it has, before it counts as settled: one that asks every second always asks. */
const AGAIN_MS = 3_000;
const underway = new WeakMap();

/** The requests of a page that have no answer yet, and the paths that have had one. */
function requestsOf(page) {
  const known = underway.get(page);
  if (known) return known;
  const requests = { open: new Set(), answered: new Set() };
  page.on('request', (request) => requests.open.add(request));
  page.on('requestfailed', (request) => requests.open.delete(request));
  page.on('requestfinished', (request) => {
    requests.open.delete(request);
    requests.answered.add(new URL(request.url()).pathname);
  });
  underway.set(page, requests);
  return requests;
}

/** Waits until a page has what it asked for, and has drawn it. */
export async function settled(page) {
  const { open, answered } = requestsOf(page);
  const begin = Date.now();
  const isAgain = (request) => Date.now() - begin > AGAIN_MS && answered.has(new URL(request.url()).pathname);
  const hasAll = () => [...open].every(isAgain);
  const drawn = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0))));
  await until(`${page.url()} has all that it asked for`, async () => {
    for (let round = 0; round < 2; round++) {
      if (!hasAll()) return false;
      await drawn();
    }
    return hasAll();
  });
}

/** Goes to an address, and waits until the page is there. */
export async function visit(page, address) {
  const { open, answered } = requestsOf(page);
  open.clear();
  answered.clear();
  await page.goto(address);
  await page.waitForSelector('h1');
  await settled(page);
}

/** What else a page shows under its own path: the addresses of its tabs, each of which it opens, and those that its links lead to. */
export async function statesOf(page, opened = async () => {}) {
  const { origin, pathname } = new URL(page.url());
  const found = new Set();
  const tabs = page.locator('main [role=tab]');
  for (let at = 0; at < (await tabs.count()); at++) {
    await tabs.nth(at).click();
    await settled(page);
    await opened();
    found.add(page.url());
  }
  for (const link of await page.locator('main a[href]').evaluateAll((all) => all.map((one) => one.href))) found.add(link);
  const isOwn = (address) => new URL(address).origin === origin && new URL(address).pathname === pathname;
  return [...found].filter((address) => isOwn(address) && new URL(address).search !== '').map((address) => address.slice(origin.length));
}

/** What axe finds on a page, a line each; by all of its rules, or by those that are named. */
export async function axe(page, where, rules) {
  await page.evaluate(AXE);
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: { type: 'rule', values: rules } }) };
  const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), options);
  return violations.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).slice(0, 3).join(' | ')}`);
}

/** A module of the pages that imports types alone. */
async function load(path) {
  const source = await readFile(new URL(`../src/${path}`, import.meta.url), 'utf8');
  const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

/** The paths of all pages of the page table, by page. `parameters` are those of their routes. */
export async function pagePaths(parameters) {
  const [{ PAGES }, { pathOf, routeOf }] = await Promise.all([load('pages/table.ts'), load('routing/routes.ts')]);
  return new Map(
    Object.keys(PAGES).map((page) => {
      // A page of an instance leads elsewhere without one; a page whose parameters are not given leads elsewhere with one, too.
      const candidates = [{}, { alias: 'demo' }].map((alias) => pathOf({ page, ...alias, ...parameters[page] }));
      const path = candidates.find((one) => routeOf(one).page === page && !one.includes('undefined'));
      if (!path) throw new Error(`the tests give no parameters for the page ${page}: ${candidates}`);
      return [page, path];
    }),
  );
}

/** The parameters of all pages, from what a server has. */
export async function parametersOf(server, contact) {
  const [stream] = (await server.api('tympan', 'GET', '/tympan/streams')).Streams;
  const alias = server.instance.InstanceAlias;
  return { contact: { id: contact }, stream: { name: stream.StreamName }, flow: { alias, id: server.flow.Id } };
}
