// The pages of flows in Chromium against a real server. Needs dist, a built tympan and Debian's chromium:
//   TYMPAN=../target/debug/tympan node --test e2e/flows.test.mjs
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openBrowser } from './browser.mjs';
import { startServer, until } from './server.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FIXTURES = fileURLToPath(new URL('../../fixtures/flows/', import.meta.url));
const FLOW = await readFile(new URL('flow.json', import.meta.url), 'utf8');
let server, browser, page;
const complaints = [];
/** Pages of flows by name. */
const pages = {};

const flows = async () => (await server.api('connect', 'GET', `/contact-flows-summary/${server.instance.Id}`)).ContactFlowSummaryList;
const idOf = async (name) => (await flows()).find((one) => one.Name === name)?.Id;
const contentOf = async (id, saved = false) => (await server.api('connect', 'GET', `/contact-flows/${server.instance.Id}/${id}${saved ? '%3A%24SAVED' : ''}`)).ContactFlow;
const create = async (name, content, status = 'PUBLISHED', type = 'CONTACT_FLOW') => {
  const made = await server.api('connect', 'PUT', `/contact-flows/${server.instance.Id}`, { Name: name, Type: type, Content: content, Status: status });
  pages[name] = `/instances/demo/flows/${made.ContactFlowId}`;
  return made.ContactFlowId;
};
const go = async (address) => {
  await page.goto(server.console + address);
  await page.waitForSelector('h1');
};
const block = (name) => page.locator('button.block').filter({ hasText: name });
const editor = () => page.getByRole('textbox', { name: 'JSON of the flow' });
const notOffered = { status: 404, headers: { 'x-amzn-errortype': 'UnknownOperationException' }, json: { Message: 'no such operation' } };

before(async () => {
  server = await startServer();
  browser = await openBrowser();
  page = browser.page;
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // The browser logs what is answered 400 (refused content), 401 (no session), 403, 404 (an operation that is not offered), 409 (a taken name) and 426.
    if (message.type() === 'error' && !/\b(400|401|403|404|409|426)\b/.test(message.text())) complaints.push(message.text());
  });
  pages.Sample = `/instances/demo/flows/${server.flow.Id}`;
  await create('Broken', await readFile(`${FIXTURES}broken.json`, 'utf8'), 'SAVED');
  await create('Menu', await readFile(`${FIXTURES}shapes/menu-to-queue.json`, 'utf8'));
  await create('Older', await readFile(`${FIXTURES}seed-modules.json`, 'utf8'));
  // Two calls: one chooses billing, one hangs up at the menu.
  const first = server.call('+12065550142', { keys: ['2@4s'] });
  const second = server.call('+12065550143');
  await until('one has chosen, and the other is in the menu', async () => {
    const contacts = await server.contacts();
    return contacts.length === 2 && contacts.every((one) => one.Recordings) && contacts.some((one) => one.Attributes.menu_choice === 'billing');
  });
  await Promise.all([first.hangUp(), second.hangUp()]);
  await page.goto(server.signInLink);
  await page.waitForURL(`${server.console}/`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('the list has flows and modules with their types, states and numbers, and is searched', async () => {
  await go('/instances/demo/flows');
  const row = page.getByRole('row', { name: /^Sample Contact flow/ });
  await row.getByText('+1 800 555-0100').waitFor();
  await page.getByRole('row', { name: /Broken/ }).getByText('Saved').waitFor();
  await page.getByRole('searchbox', { name: 'Name has' }).fill('older');
  await until('one is left', async () => (await page.locator('tbody tr').count()) === 1);
  await page.getByRole('searchbox', { name: 'Name has' }).fill('no such name');
  await page.getByText('No flow is like this.').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByLabel('Type').selectOption('AGENT_WHISPER');
  await page.waitForURL('**/flows?type=AGENT_WHISPER');
  assert.deepEqual(await page.locator('tbody a').allInnerTexts(), ['Default agent whisper']);
});

test('problems are counted on demand', async () => {
  await go('/instances/demo/flows?type=CONTACT_FLOW');
  await page.getByRole('button', { name: 'Check Broken' }).click();
  await page.getByRole('row', { name: /Broken/ }).getByText(/^\d+ errors/).click();
  await page.waitForURL('**?view=problems');
  await page.getByText(/leads nowhere|must not|is not a type of block/).first().waitFor();
});

test('a flow is drawn with the names of the designer, its parameters and its branches', async () => {
  await go(pages.Menu);
  await block('Get customer input').getByText('Press 1 for sales, 2 for support.').waitFor();
  const labels = await page.locator('svg text').allTextContents();
  assert.ok(labels.some((label) => label.startsWith('Timeout, No match')), String(labels));
  assert.ok(labels.some((label) => label.startsWith('Error')), String(labels));
  await go(pages.Older);
  await block('Start media streaming').first().waitFor();
  await go(pages.Broken);
  await page.getByText('No such block').first().waitFor();
  await block('pigeon').getByText('Not reached').waitFor();
});

test('the keys go along the branches, and Enter opens a block', async () => {
  await go(pages.Sample);
  await block('log').focus();
  const at = () => page.evaluate(() => document.activeElement.dataset.block);
  for (const [key, to] of [['ArrowRight', 'start media streaming'], ['ArrowRight', 'keep streams'], ['ArrowRight', 'main menu'], ['ArrowRight', 'billing'], ['ArrowDown', 'sales'], ['ArrowUp', 'billing'], ['ArrowLeft', 'main menu']]) {
    await page.keyboard.press(key);
    assert.equal(await at(), to, key);
  }
  // One block of the drawing is in the order of Tab.
  assert.equal(await page.locator('button.block[tabindex="0"]').count(), 1);
  await page.keyboard.press('Enter');
  await page.waitForURL('**block=main+menu');
  const panel = page.getByRole('region', { name: 'main menu' });
  await panel.getByText('InputTimeLimitSeconds').waitFor();
  await until('its title has the focus', async () => (await page.evaluate(() => document.activeElement.id)) === 'block-title');
  await panel.getByRole('button', { name: 'Close' }).click();
  await until('the focus is back', async () => (await at()) === 'main menu');
  const size = () => page.getByRole('button', { name: /to full size/ }).innerText();
  const before = await size();
  await page.keyboard.press('-');
  await until('it is smaller', async () => (await size()) !== before);
});

test('what calls did lights the drawing, and stands in the table', async () => {
  await go(pages.Sample);
  await page.getByText(/lit by 2 runs/).waitFor();
  await block('main menu').getByText(/^[12] · /).waitFor();
  assert.ok((await page.locator('svg path.never').count()) > 0);
  assert.ok((await page.locator('svg path.lit').count()) > 3);
  await page.locator('svg text.label', { hasText: /^2 · / }).first().waitFor();
  await page.getByRole('button', { name: 'As table' }).click();
  await page.waitForURL('**as=table*');
  const row = page.getByRole('row', { name: /^main menu/ });
  assert.match(await row.innerText(), /2: billing, 1/);
  await page.getByRole('combobox').filter({ hasText: 'Last hour' }).selectOption('1h');
  await page.waitForURL('**since=1h*');
});

test('errors of a block lead to the contacts', async (context) => {
  context.after(() => page.unroute('**/activity?*'));
  const contact = '11111111-2222-4333-8444-555555555555';
  await page.route('**/activity?*', (route) => route.fulfill({ json: {
    Since: '2026-11-29T00:00:00Z', Runs: 412, Complete: false,
    Blocks: [
      { Identifier: 'log', Type: 'SetLoggingBehavior', Executions: 412, Errors: 0, DurationMilliseconds: null, LastErrors: [] },
      { Identifier: 'start media streaming', Type: 'StartMediaStreaming', Executions: 412, Errors: 9, DurationMilliseconds: { P50: 41, P99: 7_900, Max: 8_000 }, LastErrors: [{ Time: '2026-11-29T16:00:00Z', ContactId: contact, Error: 'no stream was free' }] },
    ],
    Transitions: [{ From: 'log', To: 'start media streaming', Count: 412 }, { From: 'start media streaming', To: 'keep streams', Count: 403 }, { From: 'start media streaming', To: 'goodbye', Count: 9 }],
  } }));
  await go(`${pages.Sample}?block=start+media+streaming`);
  await page.getByText('Not all of the log was read').waitFor();
  await block('start media streaming').getByText('9 errors, 2.2 %').waitFor();
  const panel = page.getByRole('region', { name: 'start media streaming' });
  await panel.getByText('no stream was free').waitFor();
  assert.equal(await panel.getByRole('link', { name: 'Contact' }).getAttribute('href'), `/contacts/${contact}`);
  await panel.getByText('7.9 s').waitFor();
  const widths = await page.locator('svg path.line').evaluateAll((lines) => lines.map((line) => Number.parseFloat(line.style.strokeWidth)));
  assert.ok(Math.max(...widths) === 7 && Math.min(...widths) === 1.5, String(widths));
});

test('the JSON is edited: problems stand at their lines, and undo takes a format back', async () => {
  const id = await create('Edited', FLOW.replace(/\s*\n\s*/g, ' '));
  await go(`${pages.Edited}?view=json`);
  const text = await editor().inputValue();
  await page.getByRole('button', { name: 'Format' }).click();
  await until('it has lines', async () => (await editor().inputValue()).split('\n').length > 100);
  await page.keyboard.press('Control+z');
  await until('it is as it was', async () => (await editor().inputValue()) === text);
  await page.getByRole('button', { name: 'Format' }).click();
  await page.getByText('Edited, not saved').waitFor();
  await editor().fill((await editor().inputValue()).replace('"NextAction": "goodbye"', '"NextAction": "nowhere"'));
  const line = (await editor().inputValue()).split('\n').findIndex((one) => one.includes('"nowhere"')) + 1;
  await page.getByRole('button', { name: new RegExp(`line ${line}$`) }).first().waitFor();
  const mark = page.locator('.mark').first();
  assert.equal(await mark.evaluate((node) => Number.parseFloat(node.style.top)), (line - 1) * 18 + 6);
  await page.getByRole('searchbox', { name: 'Search in the JSON' }).fill('nowhere');
  await page.keyboard.press('Enter');
  await page.getByText(/^Line \d+, column \d+$/).waitFor();
  assert.equal(await editor().evaluate((node) => node.value.slice(node.selectionStart, node.selectionEnd)), 'nowhere');
  await page.getByText(/^Actions\[\d+\]\.Transitions\.Errors\[0\]\.NextAction$/).waitFor();
  // What is edited outlives a look at another page.
  await page.getByRole('link', { name: 'Flows' }).first().click();
  await page.getByRole('link', { name: 'Edited', exact: true }).click();
  await page.getByText('Edited, not saved').waitFor();
  await page.getByRole('button', { name: 'Publish…' }).click();
  await page.getByRole('button', { name: 'Publish now' }).click();
  await page.getByText(/^It was not published: \d problem/).waitFor();
  await page.getByRole('button', { name: 'Show the problems' }).click();
  await page.getByRole('button', { name: new RegExp(`line ${line}$`) }).first().waitFor();
  assert.equal((await contentOf(id)).Content, text);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('A saved copy differs').waitFor();
  assert.match((await contentOf(id, true)).Content, /nowhere/);
  assert.doesNotMatch((await contentOf(id)).Content, /nowhere/);
  await page.getByRole('tab', { name: 'Compare' }).click();
  await page.getByText('1 block differs').waitFor();
  await page.getByText('Lines of the JSON: 1 line removed, 1 line added').waitFor();
});

test('a saved copy is put right and published', async () => {
  const id = await create('Draft', FLOW);
  await server.api('connect', 'POST', `/contact-flows/${server.instance.Id}/${id}%3A%24SAVED/content`, { Content: FLOW.replace('"4"', '"7"') });
  await go(`${pages.Draft}?content=saved&view=json`);
  await until('the saved text', async () => /"7"/.test(await editor().inputValue()));
  await page.getByRole('button', { name: 'Publish…' }).click();
  await page.getByRole('button', { name: 'Publish now' }).click();
  await page.getByText('Published. It answers the next call.').waitFor();
  assert.match((await contentOf(id)).Content, /"7"/);
  assert.equal(await page.getByText('A saved copy differs').count(), 0);
});

test('files are imported: looked at first, then saved or published', async () => {
  await go('/instances/demo/flows');
  await page.getByRole('button', { name: 'Import…' }).click();
  await page.setInputFiles('#flow-files', [`${FIXTURES}shapes/menu-older.json`, `${FIXTURES}shapes/module-inner.json`, `${FIXTURES}broken.json`, fileURLToPath(new URL('../package.json', import.meta.url))]);
  const panel = page.getByRole('region', { name: 'Import flows from files' });
  await panel.getByText('The file holds no flow').waitFor();
  await panel.getByText('older export').waitFor();
  await panel.getByText(/By its (id|name)/).first().waitFor();
  await panel.getByText(/with errors can only be saved/).waitFor();
  await panel.getByRole('button', { name: 'Save all 3' }).click();
  await panel.getByText('created and saved').first().waitFor();
  const id = await until('it is there', () => idOf('Menu 2019'));
  assert.equal((await contentOf(id, true)).Status, 'SAVED');
  await page.getByRole('link', { name: 'Menu 2019' }).waitFor();
  // The same name replaces the content.
  await page.setInputFiles('#flow-files', [`${FIXTURES}shapes/menu-older.json`]);
  await panel.getByText(/menu-older\.json.*replaces the content of the flow of this name/).waitFor();
  await panel.getByRole('button', { name: 'Publish it' }).click();
  await panel.getByText('content published').waitFor();
  assert.equal((await contentOf(id)).Status, 'PUBLISHED');
  // A file that is dropped on the page opens the import.
  await panel.getByRole('button', { name: 'Close' }).click();
  const dropped = await page.evaluateHandle((content) => {
    const data = new DataTransfer();
    data.items.add(new File([content], 'Dropped.json', { type: 'application/json' }));
    return data;
  }, FLOW);
  await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
  await panel.getByText('Dropped.json').waitFor();
});

test('a flow is created, and a module; each is exported as a file', async () => {
  for (const [name, type, content] of [['Made here', 'CUSTOMER_QUEUE', 'DisconnectParticipant'], ['Part', 'MODULE', 'EndFlowModuleExecution']]) {
    await go('/instances/demo/flows');
    await page.getByRole('button', { name: 'Create' }).click();
    const form = page.getByRole('region', { name: 'Create a flow' });
    assert.ok(await form.getByRole('button', { name: 'Create' }).isDisabled());
    await form.getByLabel('Name').fill(name);
    await form.getByLabel('Type').selectOption(type);
    await form.getByRole('button', { name: 'Create' }).click();
    await page.waitForURL('**/flows/*?view=json');
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
    assert.equal(download.suggestedFilename(), type === 'MODULE' ? 'Part.module.json' : 'Made here.json');
    assert.equal(JSON.parse(await readFile(await download.path(), 'utf8')).Actions[0].Type, content);
  }
  const made = await idOf('Made here');
  await go(`/instances/demo/flows/${made}`);
  await page.getByRole('button', { name: 'Publish…' }).click();
  await page.getByRole('button', { name: 'Publish now' }).click();
  await page.getByText('Published. It answers the next call.').waitFor();
  assert.equal((await contentOf(made)).Status, 'PUBLISHED');
});

test('every template can be published, and a copy has the content of its model', async () => {
  const make = async (name, begin, queue) => {
    await go('/instances/demo/flows');
    await page.getByRole('button', { name: 'Create' }).click();
    const form = page.getByRole('region', { name: 'Create a flow' });
    await form.getByLabel('Name').fill(name);
    await form.getByLabel('Begins with').selectOption({ label: begin });
    if (queue) await form.getByLabel('Queue').selectOption({ label: queue });
    await form.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    return idOf(name);
  };
  for (const [begin, queue] of [['A greeting'], ['Capture what the caller says'], ['A menu of two keys'], ['Hours, then a queue', 'BasicQueue']]) {
    const id = await make(`Template: ${begin}`, begin, queue);
    await page.getByRole('button', { name: 'Publish…' }).click();
    await page.getByRole('button', { name: 'Publish now' }).click();
    await page.getByText('Published. It answers the next call.').waitFor();
    assert.equal((await contentOf(id)).Status, 'PUBLISHED');
  }
  const copy = await contentOf(await make('A second menu', 'Menu'), true);
  assert.equal(copy.Content, (await contentOf(await idOf('Menu'))).Content);
});

test('name, description and state are changed; a version is kept, compared, restored and deleted', async () => {
  const id = await create('Before', FLOW);
  await go(pages.Before);
  await page.getByRole('button', { name: 'Details…' }).click();
  const form = page.getByRole('form', { name: 'Details' });
  assert.ok(await form.getByRole('button', { name: 'Save' }).isDisabled());
  await form.getByLabel('Name').fill('Menu');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('Details: not done.').waitFor();
  await form.getByLabel('Name').fill('After');
  await form.getByLabel('Description').fill('Of the night');
  await form.getByLabel(/Archived:/).check();
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'After', level: 1 }).waitFor();
  const { Name, Description, State } = await contentOf(id);
  assert.deepEqual([Name, Description, State], ['After', 'Of the night', 'ARCHIVED']);

  await page.getByRole('tab', { name: 'Versions' }).click();
  await page.getByText('There are no versions yet.').waitFor();
  await page.getByLabel('Description').fill('As it was');
  await page.getByRole('button', { name: 'Create version' }).click();
  const row = page.getByRole('row', { name: /As it was/ });
  await row.waitFor();
  await server.api('connect', 'POST', `/contact-flows/${server.instance.Id}/${id}/content`, { Content: FLOW.replace('"4"', '"9"') });
  await go(`${pages.Before}?view=versions`);
  await page.getByRole('button', { name: 'Compare version 1' }).click();
  const compared = page.getByRole('region', { name: 'Comparison of version 1' });
  await compared.getByText('1 block differs').waitFor();
  await compared.getByRole('columnheader', { name: 'Published' }).waitFor();
  await page.getByRole('button', { name: 'Restore version 1' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save its content' }).click();
  await page.waitForURL('**view=compare&content=saved');
  await page.getByText('A saved copy differs').waitFor();
  assert.equal((await contentOf(id, true)).Content, FLOW);
  assert.match((await contentOf(id)).Content, /"9"/);
  await page.getByRole('tab', { name: 'Versions' }).click();
  await page.getByRole('button', { name: 'Delete version 1' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('1');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('There are no versions yet.').waitFor();
});

test('before a flow is deleted it is said what leads to it; one with numbers stays', async () => {
  await go(pages.Sample);
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Delete…' }).click();
  await dialog.getByText('1 number leads here: +1 800 555-0100.').waitFor();
  assert.ok(await dialog.getByRole('button', { name: 'Delete for good' }).isDisabled());
  await dialog.getByRole('button', { name: 'Keep' }).click();
  const id = await create('Leaves', FLOW);
  const next = { Identifier: 'go', Type: 'TransferToFlow', Parameters: { ContactFlowId: id }, Transitions: { NextAction: 'end', Errors: [{ NextAction: 'end', ErrorType: 'NoMatchingError' }], Conditions: [] } };
  await create('Leads on', JSON.stringify({ Version: '2019-10-30', StartAction: 'go', Metadata: {}, Actions: [next, { Identifier: 'end', Type: 'DisconnectParticipant', Parameters: {}, Transitions: {} }] }));
  await go(pages.Leaves);
  await page.getByRole('button', { name: 'Delete…' }).click();
  await dialog.getByRole('link', { name: 'Leads on' }).waitFor();
  assert.equal(await dialog.getByRole('listitem').count(), 1);
  await dialog.getByRole('textbox').fill('Leaves');
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await page.waitForURL('**/instances/demo/flows');
  assert.equal(await idOf('Leaves'), undefined);
});

test('without the operations of tympan the page says so, and the syntax is checked all the same', async (context) => {
  context.after(() => page.unrouteAll());
  await page.route('**/tympan/flows/**', (route) => route.fulfill(notOffered));
  await go(pages.Sample);
  await page.getByText('This server does not count what calls did in a flow.').waitFor();
  await page.getByRole('tab', { name: 'Problems', exact: true }).click();
  await page.getByText('This server does not check a flow before it is published.').waitFor();
  await page.getByRole('tab', { name: 'JSON' }).click();
  await editor().fill('{\n  "Version": tru\n}');
  await page.getByText('"tru" is no value.').first().waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
});

test('who may only read sees why nothing can be saved', async (context) => {
  context.after(() => page.unrouteAll());
  await page.route('**/policies/simulate', (route) => route.fulfill({ json: { Decision: 'IMPLICIT_DENY', Explanation: 'No statement of the policy read-only allows connect:UpdateContactFlowContent.' } }));
  await go(`${pages.Sample}?view=json`);
  await page.getByText('You can read this flow and not save it. No statement of the policy read-only').waitFor();
  // Without that question, the refusal says it.
  await page.unrouteAll();
  await page.route('**/policies/simulate', (route) => route.fulfill(notOffered));
  await page.route('**/content', (route) => route.fulfill({ status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' }, json: { Message: 'User: dev is not authorized to perform: connect:UpdateContactFlowContent' } }));
  await go(`${pages.Sample}?view=json`);
  await editor().fill(`${FLOW} `);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('You can read this flow and not save it. User: dev is not authorized').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Publish…' }).count(), 0);
});

test('the drawing is loaded with the first drawing, and with no other page', async () => {
  const asked = [];
  const note = (request) => asked.push(request.url());
  page.on('request', note);
  await go('/instances/demo/flows');
  await go(`${pages.Sample}?view=json`);
  await editor().waitFor();
  assert.ok(!asked.some((url) => url.includes('dagre')), String(asked));
  await page.getByRole('tab', { name: 'Graph' }).click();
  await block('main menu').waitFor();
  assert.ok(asked.some((url) => url.includes('dagre')));
  page.off('request', note);
});

test('axe finds nothing on the pages of flows, in both schemes, wide and narrow; no page is wider than its window', async () => {
  const views = ['?block=main+menu', '?as=table', '?view=json', '?view=problems', '?view=resolved', '?view=compare', '?view=versions'].map((query) => pages.Sample + query);
  const addresses = ['/instances/demo/flows', ...views, `${pages.Broken}?view=json`, pages.Broken, `${pages.Edited}?view=compare`];
  const found = [];
  // Colours are those of the scheme at any width, and places those of the width in any scheme.
  for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    for (const address of addresses) {
      await go(address);
      await page.waitForLoadState('networkidle', { timeout: 900 }).catch(() => undefined);
      if (address.endsWith('/flows')) await page.getByRole('button', { name: 'Import…' }).click();
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      found.push(...violations.map(({ id, nodes }) => `${address} ${width} ${colorScheme}: ${id}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).slice(0, 3).join(' | ')}`));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) found.push(`${address}: ${wide} px at ${width}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.equal(found.join('\n'), '');
});

test('the browser had nothing to complain about', () => {
  assert.deepEqual(complaints, []);
});
