// Every page of the page table, as axe and a narrow window see it: npm run e2e -- pages
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { axe, pagePaths, parametersOf, settled, statesOf, visit } from './page.mjs';
import { startServer, until } from './server.mjs';

/** States of pages beside their tabs, by their address alone or a few steps from there. */
const STATES = {
  contacts: ['?range=1h&state=ended#n=55', { query: '', steps: (page) => page.keyboard.press('f') }],
  'data-storage': [
    {
      query: '',
      steps: async (page) => {
        await page.getByRole('region', { name: 'Live media streaming' }).getByRole('button', { name: 'Edit' }).click();
        await page.getByLabel('No data retention').check();
      },
    },
  ],
};
const WIDTHS = [1440, 390];
/** The second scheme changes nothing but colours. */
const SCHEMES = [['light'], ['dark', ['color-contrast', 'link-in-text-block']]];
let server, browser, page, paths, live;

before(async () => {
  server = await startServer();
  // Colours are judged as they are, and not on their way from one scheme to the other.
  browser = await openBrowser({ reducedMotion: 'reduce' });
  page = browser.page;
  const first = server.call('+12065550142', { keys: ['2@3s'] });
  await until('a contact with a gap', async () => (await server.contacts())[0]?.Recordings?.length === 2);
  await first.hangUp();
  const ended = await until('it has ended', async () => (await server.contacts()).find((one) => one.DisconnectTimestamp)?.ContactId);
  server.call('+13605550177', { seconds: 1_200 });
  live = await until('a live contact', async () => (await server.contacts()).find((one) => !one.DisconnectTimestamp && one.Recordings)?.ContactId);
  paths = await pagePaths(await parametersOf(server, ended));
  await page.goto(server.signInLink);
  await page.waitForURL(`${server.console}/`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function judge(address, steps) {
  const found = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await visit(page, server.console + address);
    await steps?.(page);
    await settled(page);
    for (const [colorScheme, rules] of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      found.push(...(await axe(page, `${address} at ${width}, ${colorScheme}`, rules)));
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) found.push(`${address}: ${wide} px in a window of ${width}`);
  }
  await page.emulateMedia({ colorScheme: SCHEMES[0][0] });
  return found.join('\n');
}

test('axe finds nothing on any page, in both schemes, wide and narrow, and none is wider than its window', async (context) => {
  for (const [name, path] of paths) {
    await context.test(name, async () => assert.equal(await judge(path), ''));
    await page.setViewportSize({ width: WIDTHS[0], height: 900 });
    await visit(page, server.console + path);
    const tabs = (await statesOf(page)).filter((address) => /[?&]tab=/.test(address));
    for (const tab of new Set(tabs)) await context.test(tab.replace(path, name), async () => assert.equal(await judge(tab), ''));
    for (const state of STATES[name] ?? []) {
      const { query, steps } = typeof state === 'string' ? { query: state } : state;
      await context.test(`${name} ${query || 'after some steps'}`, async () => assert.equal(await judge(path + query, steps), ''));
    }
  }
  await context.test('contact, live', async () => assert.equal(await judge(`/contacts/${live}`), ''));
  await context.test('an address that leads to nothing', async () => assert.equal(await judge('/nothing'), ''));
});

test('every page has a title of its own, one first heading, and its entry in the rail', async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  const titles = new Map();
  for (const [name, path] of paths) {
    await visit(page, server.console + path);
    assert.equal(await page.locator('h1').count(), 1, name);
    const title = await page.title();
    assert.match(title, / · tympan$/);
    assert.equal(titles.get(title), undefined, `${name} has the title of another page: ${title}`);
    titles.set(title, name);
    const current = page.getByRole('navigation', { name: 'Pages' }).locator('[aria-current]');
    assert.equal(await current.count(), 1, `${name} has no entry in the rail`);
  }
});

test('every page that the rail leads to is reached by keyboard', async () => {
  await visit(page, `${server.console}/`);
  const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  assert.ok(links.length >= 12, String(links));
  for (const link of links) {
    await page.locator(`nav a[href="${link}"]`).first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(server.console + link);
    await page.waitForSelector('h1');
    // The focus goes to the page, so that what follows is read.
    if (link !== '/') assert.equal(await page.evaluate(() => document.activeElement.id), 'main', link);
  }
});

test('the browser had nothing to complain about', () => assert.deepEqual(browser.complaints, []));
