// The pages in Chromium against a real server with real calls: npm run e2e -- console
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { openBrowser, signIn } from './browser.mjs';
import { axe } from './page.mjs';
import { startServer, until } from './server.mjs';

let server, browser, page, live, ended;

const go = async (address) => {
  await page.goto(server.console + address);
  await page.waitForSelector('h1');
};
const text = (selector) => page.locator(selector).first().innerText();

before(async () => {
  server = await startServer();
  browser = await openBrowser();
  page = browser.page;
  const first = server.call('+12065550142', { keys: ['2@5s'] });
  await until('a first contact with two captures', async () => (await server.contacts())[0]?.Recordings?.length === 2);
  const [{ ContactId }] = await server.contacts();
  await until('two seconds after its pause are captured', async () => {
    const { Samples, Tracks } = await server.api('tympan', 'GET', `/tympan/contacts/${ContactId}/waveform?columns=100`);
    const pause = Tracks[0].Spans.find((span) => span.Kind === 'pause');
    return pause && Samples - pause.At - pause.Samples > 16_000;
  });
  await first.hangUp();
  ended = await until('it has ended', async () => (await server.contacts()).find((one) => one.DisconnectTimestamp)?.ContactId);
  server.call('+13605550177', { keys: ['1@5s'], seconds: 600 });
  await signIn(page, server);
  live = await until('a live contact', async () => (await server.contacts()).find((one) => !one.DisconnectTimestamp)?.ContactId);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a wrong secret is refused, and the page asked for comes after the sign-in, with what stands behind #', async () => {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL('**/sign-in*');
  await page.goto(`${server.console}/contacts?state=ended#n=5550`);
  await page.waitForURL('**/sign-in?back=*');
  assert.ok(!page.url().includes('5550'), page.url());
  assert.equal(await page.evaluate(() => document.activeElement.id), 'key-id');
  await page.fill('#key-id', server.keys.accessKeyId);
  await page.fill('#secret', 'wrong');
  await page.keyboard.press('Enter');
  await page.getByText('The access key id or its secret is wrong.').waitFor();
  await page.fill('#secret', server.keys.secretAccessKey);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/contacts?state=ended#n=5550');
  await page.getByRole('link', { name: '+1 206 555-0142' }).waitFor();
});

test('a link signs in once, and leaves no code in the address', async () => {
  const other = await openBrowser();
  try {
    const tab = other.page;
    const link = server.signInLink;
    await tab.goto(link);
    await tab.waitForURL(`${server.console}/`);
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await tab.waitForURL('**/sign-in*');
    await tab.goto('about:blank');
    await tab.goto(link);
    await tab.getByText('The code of the link is wrong, was used, or is older than 10 minutes.').waitFor();
    assert.ok(!tab.url().includes('code='), tab.url());
  } finally {
    await other.close();
  }
});

test('contacts are found by a part of a number, an attribute, a state and a stream', async () => {
  await go('/contacts');
  await page.locator('tbody tr').nth(1).waitFor();
  assert.equal(await page.locator('tbody tr').count(), 2);
  await page.fill('#number-part', '360555');
  await until('one is left', async () => (await page.locator('tbody tr').count()) === 1);
  assert.match(page.url(), /\/contacts#n=360555$/);
  await go('/contacts?stream=yes#a.menu_choice=billing');
  await page.getByRole('link', { name: '+1 206 555-0142' }).waitFor();
  assert.equal(await page.locator('tbody tr').count(), 1);
  await go('/contacts?state=live&stream=no#a.menu_choice=billing');
  await page.getByText('No contact matches all 3 filters.').waitFor();
  await page.getByRole('button', { name: 'Drop “State”' }).waitFor();
  await go(`/contacts?range=1h&flow=${server.flow.Id}`);
  await until('both began in the flow', async () => (await page.locator('tbody tr').count()) === 2);
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await page.fill('#range-text', 'soon');
  await page.getByText("This can't be read.").waitFor();
  await page.fill('#range-text', '1 jan 2020 22:00 to 06:00');
  await page.getByText('Read as Wed 1 Jan 22:00 to Thu 2 Jan 06:00.').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('No contact matches').waitFor();
  assert.match(page.url(), /from=2020-01-01T22%3A00&to=2020-01-02T06%3A00&tz=America%2FLos_Angeles/);
});

test('the list says the flow, begins with the oldest where that is asked for, and knows which contacts have losses', async () => {
  await go('/contacts');
  const numbers = () => page.locator('tbody td.customer').allInnerTexts();
  await until('both, the newest first', async () => (await numbers()).join() === '+1 360 555-0177,+1 206 555-0142');
  const { Contacts } = await server.api('tympan', 'GET', '/tympan/contacts');
  assert.equal(await text('tbody td.flow'), Contacts[0].ContactFlowName);
  await page.getByRole('button', { name: 'Started' }).click();
  await until('the oldest first', async () => (await numbers()).join() === '+1 206 555-0142,+1 360 555-0177');
  assert.match(page.url(), /sort=started/);
  assert.equal(await page.getByRole('columnheader', { name: 'Started' }).getAttribute('aria-sort'), 'ascending');
  await page.getByRole('link', { name: 'With losses' }).click();
  await page.getByText('No contact matches this filter.').waitFor();
  await page.getByRole('button', { name: 'Drop “Losses”' }).waitFor();
  assert.match(page.url(), /losses=yes&sort=started/);
});

test('p plays the last seconds of the row that has the focus, and p again stops them', async () => {
  await go('/contacts?state=ended');
  await page.locator('tbody tr').first().waitFor();
  await page.keyboard.press('j');
  await until('the row has the focus', () => page.evaluate(() => document.activeElement.closest('td.customer') !== null));
  await page.keyboard.press('p');
  const line = page.getByRole('status').filter({ hasText: 'The last 10 s of +1 206 555-0142' });
  await line.waitFor();
  await page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
  assert.match(page.url(), /\/contacts\?state=ended$/);
  await page.keyboard.press('p');
  await until('it is over', async () => (await line.count()) === 0);
});

test('no request has a number in its address', async () => {
  const addresses = [];
  const note = (request) => addresses.push(request.url());
  page.on('request', note);
  await go('/contacts#n=2065550142');
  await page.getByRole('link', { name: '+1 206 555-0142' }).waitFor();
  await page.getByRole('link', { name: '+1 206 555-0142' }).click();
  await page.waitForURL('**/contacts/*');
  page.off('request', note);
  assert.ok(addresses.length > 5);
  for (const address of addresses) assert.ok(!/5550142/.test(address.split('#')[0]), address);
  assert.ok(!(await page.title()).includes('555'));
});

test('the list is saved as CSV and as JSON lines', async () => {
  await go('/contacts?state=ended');
  await page.locator('tbody tr').first().waitFor();
  const saved = async (name) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
    return readFile(await download.path(), 'utf8');
  };
  const lines = (await saved('CSV')).trim().split('\r\n');
  assert.match(lines[0], /^ContactId,.*Attributes\.menu_choice/);
  assert.ok(lines[1].includes(ended) && lines[1].includes('+12065550142'), lines[1]);
  const record = JSON.parse((await saved('JSON lines')).trim());
  assert.equal(record.ContactId, ended);
});

test('a contact that has ended shows what was captured, its gaps, and how to read it', async () => {
  await go(`/contacts/${ended}?t=2.5`);
  await page.getByText(/^paused 0:03|\(paused 0:0\d\)/).first().waitFor();
  assert.match(await text('.facts'), /Captured\s+0:\d\d of 0:\d\d/);
  const label = await page.locator('[role=img][aria-label^="Customer audio"]').getAttribute('aria-label');
  assert.match(label, /^Customer audio, 0:\d\d\. .*1 paused.*Speech \d+ %\.$/);
  // The lane has ink where the caller spoke.
  const inked = await page.evaluate(() => {
    const canvas = document.querySelector('.from canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] > 0) count++;
    return count / (data.length / 4);
  });
  assert.ok(inked > 0.05, String(inked));
  assert.match(await text('[role=slider]'), /0:02\.5/);
  await page.locator('[role=slider]').focus();
  await page.keyboard.press('ArrowRight');
  await page.waitForURL('**t=3.5*');
  await page.keyboard.press('n');
  await until('the next gap', async () => Number(new URL(page.url()).searchParams.get('t')) > 4);
  await page.fill('#go-to', '9:59');
  await page.keyboard.press('Enter');
  await page.getByText('The call has no such time.').waitFor();
  await page.getByRole('tab', { name: 'Losses and gaps' }).click();
  await page.getByRole('cell', { name: 'Paused' }).waitFor();
  const record = await server.api('tympan', 'GET', `/tympan/contacts/${ended}`);
  await page.getByRole('tab', { name: 'Read this in code' }).click();
  assert.ok((await text('pre')).includes(`AfterFragmentNumber=${record.Recordings[0].FragmentStartNumber}`));
  await page.getByRole('button', { name: 'boto3' }).click();
  assert.ok((await text('pre')).includes(`arn = "${record.Recordings[0].Location}"`));
  await page.getByRole('tab', { name: 'Attributes' }).click();
  await page.getByRole('button', { name: 'Copy $.MediaStreams.Customer.Audio.StartPosition' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '$.MediaStreams.Customer.Audio.StartPosition');
  await page.getByText('Customer audio start fragment number').waitFor();
});

test('a value of an attribute is hidden until it is shown, which is a line of the audit file', async () => {
  const shown = async () => (await server.api('tympan', 'GET', `/tympan/audit?kind=attributes-read&contactId=${ended}`)).Lines;
  await go(`/contacts/${ended}`);
  const row = page.getByRole('row').filter({ hasText: '$.Attributes.department' });
  await row.getByText('hidden').waitFor();
  await page.getByRole('tab', { name: 'Record' }).click();
  assert.match(await text('pre'), /"department": null/);
  assert.deepEqual(await shown(), []);
  await page.getByRole('tab', { name: 'Attributes' }).click();
  await page.getByRole('button', { name: 'Show the value of department' }).click();
  await row.getByText('parcels').waitFor();
  await page.getByRole('row').filter({ hasText: '$.Attributes.menu_choice' }).getByText('hidden').waitFor();
  const [line] = await until('the line', async () => ((await shown()).length > 0 ? shown() : undefined));
  assert.deepEqual([line.Action, line.Outcome], ['connect:GetContactAttributes', 'SUCCEEDED']);
  await page.getByRole('tab', { name: 'Record' }).click();
  assert.match(await text('pre'), /"department": "parcels"/);
  await page.getByRole('tab', { name: 'Attributes' }).click();
  await page.getByRole('button', { name: 'Hide all' }).click();
  await row.getByText('hidden').waitFor();
});

test('holds and prompts have lanes of their own', async () => {
  const record = await server.api('tympan', 'GET', `/tympan/contacts/${ended}?attributes=NAMES`);
  const begun = Date.parse(record.ConnectedToSystemTimestamp);
  const at = (milliseconds) => new Date(begun + milliseconds).toISOString();
  // No agent is here: what the page draws of holds is what the operation says.
  const agent = { ARN: 'a', Username: 'anna', ConnectedToAgentTimestamp: at(1_000), NumberOfHolds: 1, Holds: [{ From: at(2_000), To: at(4_000) }] };
  await page.route(`**/contacts/${ended}?attributes=NAMES`, (route) => route.fulfill({ json: { ...record, Agent: agent } }));
  await go(`/contacts/${ended}`);
  const lane = (name) => page.locator('.label', { hasText: name }).locator('+ .row');
  assert.match(await lane('Hold').locator('.stretch').getAttribute('title'), /^on hold, 0:0[12]\.\d to 0:0[34]\.\d$/);
  const { Lines } = await server.api('tympan', 'GET', `/tympan/contacts/${ended}/flow-log`);
  const end = Lines.findIndex((line) => line.Identifier === 'card number');
  const seconds = (line) => (Date.parse(line.Timestamp) - begun) / 1000;
  const title = await lane('Prompts').locator('.stretch', { hasText: 'card number' }).getAttribute('title');
  const [, from, to] = /^card number: its block ran from 0:(\d+\.\d) to 0:(\d+\.\d) \(.*\), in the flow /.exec(title);
  // The record has whole seconds.
  assert.ok(Math.abs(from - seconds(Lines[end - 1])) < 1.1 && Math.abs(to - seconds(Lines[end])) < 1.1, title);
  assert.match(await lane('Prompts').locator('.stretch.mark', { hasText: 'main menu' }).getAttribute('title'), /no end of a prompt that asks/);
  await page.getByRole('link', { name: 'As table' }).click();
  const rows = page.getByRole('table', { name: 'Waiting, agents, holds and prompts, in their order' }).locator('tbody tr');
  assert.match((await rows.filter({ hasText: 'Hold' }).innerText()).replace(/\s+/g, ' '), /^Hold 0:0[12]\.\d 2\.\d+ s on hold Go there/);
  assert.equal(await rows.filter({ hasText: 'card number: its block ran' }).count(), 1);
  await page.unroute(`**/contacts/${ended}?attributes=NAMES`);
});

test('a live call grows', async () => {
  await go(`/contacts/${live}`);
  const captured = async () => {
    const [, minutes, seconds] = /Captured\s+(\d+):(\d\d)/.exec(await text('.facts')) ?? [];
    return minutes === undefined ? undefined : Number(minutes) * 60 + Number(seconds);
  };
  const begun = await until('something is captured', captured);
  await until('more is captured', async () => (await captured()) >= begun + 3, 15);
  assert.match(await text('.edge'), /^now \d:\d\d$/);
});

test('losses of each kind are drawn and listed', async () => {
  const waveform = await server.api('tympan', 'GET', `/tympan/contacts/${ended}/waveform?columns=300`);
  waveform.Tracks[0].Spans.push({ Kind: 'lost', At: 8_000, Samples: 1_600 }, { Kind: 'late', At: 16_000, Samples: 160 }, { Kind: 'dtx', At: 20_000, Samples: 5_120 }, { Kind: 'suppressed', At: 27_000, Samples: 3_000 });
  await page.route('**/waveform?*', (route) => route.fulfill({ json: waveform }));
  await go(`/contacts/${ended}?tab=losses`);
  await page.getByRole('cell', { name: 'Lost' }).waitFor();
  for (const name of ['Late', 'Quiet phone', 'Suppressed', 'Paused']) await page.getByRole('cell', { name, exact: true }).waitFor();
  assert.match(await text('.facts'), /Lost\s+0\.22 s in 2 gaps/);
  await page.unroute('**/waveform?*');
});

test('the overview has the live call with its last minute, and the streams', async () => {
  await go('/');
  await page.getByRole('link', { name: '+1 360 555-0177' }).waitFor();
  await page.locator('[aria-label^="The last minute"]').first().waitFor();
  assert.match(await text('.side'), /Streams\s+\d+/);
  const second = server.call('+15035550134', { seconds: 30 });
  await page.getByRole('link', { name: '+1 503 555-0134' }).waitFor();
  await until('two are counted', async () => (await text('#rail')).includes('2 live'));
  const hours = page.getByRole('region', { name: 'Contacts per hour' });
  await hours.getByText('3 contacts began in the last 24 hours').waitFor();
  await hours.getByText('As table').click();
  assert.equal(await hours.getByRole('row').count(), 25);
  await second.hangUp();
  await until('it is gone', async () => (await page.getByRole('link', { name: '+1 503 555-0134' }).count()) === 0);
});

test('streams and fragments are listed', async () => {
  await go('/streams?state=writing');
  // The calls of earlier tests end; one goes on.
  await until('one is written to', async () => (await page.locator('tbody tr').filter({ hasText: 'Writing' }).count()) === 1);
  await page.locator('tbody tr').filter({ hasText: 'Writing' }).locator('a').first().click();
  await page.waitForURL('**/streams/*');
  await until('fragments', async () => (await page.locator('.rows tbody tr').count()) > 3);
  const number = (await text('.rows tbody td')).trim();
  assert.match(number, /^\d{47}$/);
});

test('a page does not move where motion is not wanted', async () => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await go('/contacts');
  await page.locator('.pill.live').first().waitFor();
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
});

test('the sign-in page has nothing for axe, and signing out leads to it', async () => {
  await go('/contacts');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL('**/sign-in*');
  const found = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    found.push(...(await axe(page, `sign-in ${colorScheme}`)));
  }
  assert.deepEqual(found, []);
});

test('the browser had nothing to complain about: no script failed, and the policy blocked nothing', () => {
  assert.deepEqual(browser.complaints, []);
});
