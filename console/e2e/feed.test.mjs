// The live feed: many tabs, broken connections, and a tab that is left open: npm run e2e -- feed
// CONSOLE_SOAK_SECONDS=3600 leaves the tab open for an hour.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { startProxy } from './proxy.mjs';
import { startServer, until } from './server.mjs';

const SOAK_SECONDS = Number(process.env.CONSOLE_SOAK_SECONDS ?? 20);
let server, browser, page, proxy;

before(async () => {
  server = await startServer();
  proxy = await startProxy(server.console);
  browser = await openBrowser();
  page = browser.page;
  // A cookie knows no port: the session is that of the proxy's address, too.
  await page.goto(server.signInLink);
  await page.waitForURL(`${server.console}/`);
});

after(async () => {
  await browser?.close();
  proxy?.close();
  await server?.stop();
});

const feedState = (tab) => tab.getByText(/^Live(, \d+ ms)?$/);

test('after a break the feed resumes: a call that began meanwhile is there, and one that ended is gone', async () => {
  const second = server.call('+15035550106');
  await page.goto(`${proxy.origin}/`);
  await page.getByRole('link', { name: '+1 503 555-0106' }).waitFor();
  const asked = [];
  page.on('websocket', (socket) => asked.push(socket.url()));
  proxy.breakFeeds();
  await page.getByText(/^Reconnecting, \d:\d\d\.$/).waitFor();
  await second.hangUp();
  const third = server.call('+15035550107');
  await page.getByRole('link', { name: '+1 503 555-0107' }).waitFor();
  assert.match(asked[0], /since=\d+$/);
  await until('the other is gone', async () => (await page.getByRole('link', { name: '+1 503 555-0106' }).count()) === 0);
  await third.hangUp();
});

test('fourteen tabs at once are all live', async (context) => {
  const tabs = await Promise.all(Array.from({ length: 14 }, () => browser.context.newPage()));
  context.after(() => Promise.all(tabs.map((tab) => tab.close())));
  for (const tab of tabs) await tab.goto(`${server.console}/`);
  for (const tab of tabs) await feedState(tab).waitFor();
  const call = server.call('+15035550114');
  for (const tab of tabs) await tab.getByRole('link', { name: '+1 503 555-0114' }).waitFor();
  await call.hangUp();
  for (const tab of tabs) await tab.getByRole('link', { name: '+1 503 555-0114' }).waitFor({ state: 'detached' });
});

/** The revisions of the events of the feeds that a tab opens from now on. */
function revisionsOf(tab) {
  const seen = { begins: 0, revisions: [] };
  tab.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      const frame = JSON.parse(payload.toString());
      if (frame.Type === 'Begin') seen.begins++;
      if (frame.Type === 'Event') seen.revisions.push(frame.Revision);
    });
  });
  return seen;
}

test('a feed that breaks again and again gives every event once', async (context) => {
  const [broken, whole] = [await browser.context.newPage(), await browser.context.newPage()];
  context.after(() => Promise.all([broken.close(), whole.close()]));
  const [there, here] = [revisionsOf(whole), revisionsOf(broken)];
  await whole.goto(`${server.console}/`);
  await broken.goto(`${proxy.origin}/`);
  await until('both feeds have begun', () => here.begins === 1 && there.begins === 1);
  const call = server.call('+15035550120');
  const id = await until('a contact', async () => (await server.contacts()).find((one) => one.CustomerEndpoint?.Address === '+15035550120')?.ContactId);
  let changes = 0;
  const change = () =>
    server.api('connect', 'POST', '/contact/attributes', { InitialContactId: id, InstanceId: server.instance.Id, Attributes: { change: String(++changes) } });
  // At once, after some bytes of the next frame, and in the middle of a later one.
  for (const bytes of [0, 1, 700, 0, 3_000]) {
    const { begins } = here;
    for (let at = 0; at < 5; at++) await change();
    const before = proxy.feeds();
    assert.ok(before > 0, 'there is a feed to break');
    proxy.breakFeeds(bytes);
    // These break it where it was not broken at once, and the others come while it is away.
    for (let at = 0; at < 20; at++) await change();
    await until('the feed has begun again', () => here.begins > begins);
  }
  await call.hangUp();
  const last = await until('the other feed has the end', async () => {
    const size = there.revisions.length;
    await change();
    return (await until('an event of the last change', () => there.revisions.length > size)) && there.revisions.at(-1);
  });
  await until('the broken feed has it too', () => here.revisions.includes(last));
  assert.equal(there.begins, 1);
  assert.ok(here.begins >= 6, `${here.begins} feeds`);
  assert.ok(there.revisions.length >= changes, `${there.revisions.length} events of ${changes} changes`);
  const common = there.revisions.slice(there.revisions.indexOf(here.revisions[0]));
  context.diagnostic(`${common.length} events over ${here.begins} feeds`);
  assert.deepEqual(here.revisions.slice(0, here.revisions.indexOf(last) + 1), common.slice(0, common.indexOf(last) + 1));
});

/** What a tab holds once its garbage is collected. */
async function held(devtools) {
  // A second time, for what the first one lets go of only when its finalizers have run.
  for (let round = 0; round < 2; round++) await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const metric = (name) => metrics.find((one) => one.name === name).value;
  return { bytes: usedSize, nodes: metric('Nodes'), listeners: metric('JSEventListeners') };
}

/** Which of these texts a tab still holds. */
async function remembered(devtools, texts) {
  const parts = [];
  const take = ({ chunk }) => parts.push(chunk);
  devtools.on('HeapProfiler.addHeapSnapshotChunk', take);
  await devtools.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  devtools.off('HeapProfiler.addHeapSnapshotChunk', take);
  const { strings } = JSON.parse(parts.join(''));
  const held = new Set(strings);
  return texts.filter((text) => held.has(text));
}

/** The pages that hear of every call. */
const OPEN_FOR_DAYS = ['/', '/contacts', '/wallboard'];

test('a tab that is left open during many calls does not grow', { timeout: (SOAK_SECONDS + 300) * 1000 }, async (context) => {
  const tabs = [];
  for (const address of OPEN_FOR_DAYS) {
    const tab = await browser.context.newPage();
    context.after(() => tab.close());
    const feed = revisionsOf(tab);
    await tab.goto(`${server.console}${address}`);
    await feedState(tab).waitFor();
    const devtools = await browser.context.newCDPSession(tab);
    await devtools.send('Performance.enable');
    tabs.push({ address, tab, feed, devtools });
  }
  /** Calls for so many seconds, and then until all are over. */
  const calls = async (seconds) => {
    const count = Math.max(4, Math.round(seconds * 4));
    await server.call('+15035550130', { seconds: 2, more: ['--count', String(count), '--rate', '4'] }).ended;
    await until('the tab shows none', async () => (await tabs[0].tab.getByRole('link', { name: '+1 503 555-0130' }).count()) === 0);
  };
  await calls(5);
  for (const open of tabs) {
    open.first = await held(open.devtools);
    open.events = open.feed.revisions.length;
    // These stand in the rows of the contacts, which are not read again by themselves.
    open.before = new Set((await server.contacts()).map(({ ContactId }) => ContactId));
  }
  await calls(SOAK_SECONDS);
  const ended = (await server.contacts()).map(({ ContactId }) => ContactId);
  for (const { address, feed, devtools, first, events, before } of tabs) {
    const last = await held(devtools);
    const more = { bytes: last.bytes - first.bytes, nodes: last.nodes - first.nodes, listeners: last.listeners - first.listeners };
    const kept = await remembered(devtools, ended.filter((id) => !before.has(id)));
    context.diagnostic(`${address}: ${feed.revisions.length - events} events of ${ended.length} calls, ${kept.length} of which are remembered; held ${JSON.stringify(first)}, then ${JSON.stringify(last)}`);
    assert.ok(feed.revisions.length - events > SOAK_SECONDS * 4, `${address} had events`);
    // The last ones may stand where the next ones will.
    assert.ok(kept.length < 10, `${kept.length} calls that have ended are remembered by ${address}`);
    assert.ok(more.bytes < 1_500_000 && more.nodes < 300 && more.listeners < 100, `${address}: ${JSON.stringify(more)}`);
  }
});

test('the browser had nothing to complain about', () => {
  // A WebSocket that breaks is logged by the browser itself.
  assert.deepEqual(browser.complaints.filter((complaint) => !/^WebSocket connection to /.test(complaint)), []);
});
