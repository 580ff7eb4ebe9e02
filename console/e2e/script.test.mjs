// Script in every field that an API takes, and then every page: it is text, and nothing of it runs. npm run e2e -- script
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { openBrowser, signIn } from './browser.mjs';
import { putFragment } from './media.mjs';
import { pagePaths, parametersOf, settled, statesOf, visit } from './page.mjs';
import { startServer, until } from './server.mjs';
import { callAs } from './sip.mjs';

/** Leaves an attribute and a tag, and would run in two ways. Short: names have few characters. */
const script = (mark) => `"><img src=x onerror=ran('${mark}')><script>ran('${mark}')</script>`;
const short = (mark) => `"><img src=x onerror=ran('${mark}')>`;
/** Where no sign of equality may stand. */
const plain = (mark) => `<script>ran('${mark}')</script>`;
const FIELDS = ['names', 'attributes', 'texts', 'numbers', 'agents', 'prompts', 'tags', 'policies', 'requests'];
/** Where a field stands, once its page reads something. */
const SHOWN = { names: ['queues', 'flows'], attributes: ['contact'], numbers: ['contacts', 'contact'], agents: ['users'], prompts: ['prompts'], policies: ['access'] };
/** A page may disclose something for each of its rows. */
const MOST_DISCLOSURES = 3;
/** A list may lead to a state for each of its rows; tabs come first. */
const MOST_STATES = 4;
const HOURS = ['MONDAY'].map((Day) => ({ Day, StartTime: { Hours: 9, Minutes: 0 }, EndTime: { Hours: 17, Minutes: 0 } }));
const VOICE = [{ Channel: 'VOICE', Concurrency: 1 }];
const CONDITION = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'connect:List*', Resource: '*', Condition: { StringEquals: { 'aws:username': script('policies') } } } };
const CONFIG = `
[[policies]]
name = "scripted"
document = '''${JSON.stringify(CONDITION).replaceAll("'", '\\u0027')}'''
[[credentials]]
access_key_id = "AKIDSCRIPTED"
secret_access_key = "a secret of the tests"
policies = ["scripted"]
`;

let server, browser, page, hostile;
/** What each field has taken, and what it has refused. */
const planted = Object.fromEntries(FIELDS.map((field) => [field, { taken: [], refused: [] }]));
/** By page: what it shows and holds. */
const seen = new Map();
/** What every page asks for, also one that is not there. */
const common = new Set();

/** Writes a field, which an API may refuse. */
async function plant(field, what, method, path, value, options) {
  const { status, text } = await server.ask(options?.service ?? 'connect', method, path, value, options);
  planted[field][status < 300 ? 'taken' : 'refused'].push(`${what}${status < 300 ? '' : ` ${status} ${text}`}`);
  return status < 300 && text ? JSON.parse(text) : undefined;
}

async function plantNames() {
  const [name, id] = [script('names'), server.instance.Id];
  const both = { Name: name, Description: name };
  const hours = await plant('names', 'hours of operation', 'PUT', `/hours-of-operations/${id}`, { ...both, TimeZone: 'UTC', Config: HOURS });
  const queue = await plant('names', 'queue', 'PUT', `/queues/${id}`, { ...both, HoursOfOperationId: hours.HoursOfOperationId });
  const profile = await plant('names', 'routing profile', 'PUT', `/routing-profiles/${id}`, { ...both, DefaultOutboundQueueId: queue.QueueId, MediaConcurrencies: VOICE });
  await plant('names', 'quick connect', 'PUT', `/quick-connects/${id}`, { ...both, QuickConnectConfig: { QuickConnectType: 'PHONE_NUMBER', PhoneConfig: { PhoneNumber: '+12065550100' } } });
  await plant('names', 'agent status', 'PUT', `/agent-status/${id}`, { ...both, State: 'ENABLED' });
  const security = await plant('names', 'security profile', 'PUT', `/security-profiles/${id}`, { SecurityProfileName: name, Description: name });
  await plant('names', 'alias of an instance', 'PUT', '/instance', { InstanceAlias: name, IdentityManagementType: 'CONNECT_MANAGED', InboundCallsEnabled: true, OutboundCallsEnabled: true });
  await plant('names', 'bot', 'PUT', `/instance/${id}/lex-bot`, { LexBot: { Name: short('names'), LexRegion: 'us-west-2' } });
  await plant('names', 'number', 'POST', '/phone-number/claim', { PhoneNumber: '+18005550102', InstanceId: id, PhoneNumberDescription: name });
  await plant('names', 'key', 'POST', '/', { Description: name }, { service: 'kms', target: 'TrentService.CreateKey' });
  await plant('names', 'stream', 'POST', '/createStream', { StreamName: 'scripted', DataRetentionInHours: 1, Tags: { note: name, [name]: 'x' } }, { service: 'kinesisvideo' });
  await plant('names', 'tag of a stream', 'POST', '/tagStream', { StreamName: 'plain', Tags: { note: name } }, { service: 'kinesisvideo' });
  await plant('names', 'media type', 'POST', '/createStream', { StreamName: 'typed', MediaType: name }, { service: 'kinesisvideo' });
  return { profile, security };
}

async function plantContact(contact) {
  const [name, id] = [script('names'), server.instance.Id];
  const references = { link: { Type: 'URL', Value: `javascript:ran('names')` }, [name]: { Type: 'STRING', Value: name } };
  await plant('names', 'contact', 'POST', `/contacts/${id}/${contact}`, { Name: name, Description: name });
  await plant('names', 'references', 'POST', `/contacts/${id}/${contact}`, { References: references });
  await plant('names', 'tags of a contact', 'POST', '/contact/tags', { ContactId: contact, InstanceId: id, Tags: { note: name } });
  const value = script('attributes');
  await plant('attributes', 'value', 'POST', '/contact/attributes', { InitialContactId: contact, InstanceId: id, Attributes: { note: value, '=cmd': '=1+1' } });
  await plant('attributes', 'name', 'POST', '/contact/attributes', { InitialContactId: contact, InstanceId: id, Attributes: { [value]: value } });
}

/** A flow whose blocks, texts and notes are script, with a number of its own. */
async function plantFlow() {
  const [text, id] = [script('texts'), server.instance.Id];
  const content = JSON.parse(await readFile(new URL('flow.json', import.meta.url), 'utf8'));
  for (const action of content.Actions) if (action.Parameters.Text) action.Parameters.Text = text;
  content.Actions.find((one) => one.Identifier === 'keep streams').Parameters.Attributes[text] = text;
  const flow = await plant('texts', 'flow', 'PUT', `/contact-flows/${id}`, { Name: script('names'), Description: text, Type: 'CONTACT_FLOW', Content: JSON.stringify(content) });
  assert.ok(flow, JSON.stringify(planted.texts));
  // Identifiers and notes may be script, too, or be refused.
  const named = JSON.parse(JSON.stringify(content).replaceAll('"main menu"', JSON.stringify(plain('texts'))));
  named.Metadata = { name: text, ActionMetadata: { [text]: { position: { x: 1, y: 1 }, friendlyName: text } } };
  await plant('texts', 'identifiers', 'POST', `/contact-flows/${id}/${flow.ContactFlowId}/content`, { Content: JSON.stringify(named) });
  const number = await plant('texts', 'number', 'POST', '/phone-number/claim', { PhoneNumber: '+18005550103', InstanceId: id });
  await server.api('connect', 'PUT', `/phone-number/${number.PhoneNumberId}/contact-flow`, { InstanceId: id, ContactFlowId: flow.ContactFlowId });
  return flow;
}

async function plantPeople({ profile, security }) {
  const [name, id] = [script('agents'), server.instance.Id];
  const user = { PhoneConfig: { PhoneType: 'SOFT_PHONE', AfterContactWorkTimeLimit: 0 }, RoutingProfileId: profile.RoutingProfileId, SecurityProfileIds: [security.SecurityProfileId] };
  await plant('agents', 'user name', 'PUT', `/users/${id}`, { ...user, Username: name, IdentityInfo: { FirstName: name, LastName: name } });
  await plant('agents', 'first and last name', 'PUT', `/users/${id}`, { ...user, Username: 'scripted', IdentityInfo: { FirstName: name, LastName: name } });
  const prompt = script('prompts');
  await plant('prompts', 'prompt', 'PUT', `/prompts/${id}`, { Name: prompt, Description: prompt, S3Uri: 's3://bucket/key.wav' });
  await plant('prompts', 'address', 'PUT', `/prompts/${id}`, { Name: `2${prompt}`, S3Uri: `s3://bucket/${prompt}.wav` });
}

async function plantRequests() {
  const text = script('requests');
  await plant('requests', 'stream', 'POST', '/describeStream', { StreamName: text }, { service: 'kinesisvideo' });
  await plant('requests', 'contact', 'GET', `/tympan/contacts/${encodeURIComponent(text)}`, undefined, { service: 'tympan' });
  await plant('requests', 'denied', 'PUT', `/queues/${encodeURIComponent(text)}`, { Name: text }, { keys: { accessKeyId: 'AKIDSCRIPTED', secretAccessKey: 'a secret of the tests' } });
  const answer = await fetch(`${server.console}/api/sign-in`, { method: 'POST', headers: { origin: server.console, 'content-type': 'application/json' }, body: JSON.stringify({ accessKeyId: text, secretAccessKey: text }) });
  planted.requests.refused.push(`sign-in ${answer.status}`);
}

/** Notes what a page shows and holds. */
async function look(name) {
  const found = await page.evaluate(() => ({
    text: document.body.innerText,
    // What is typed into fields is shown as well.
    fields: [...document.querySelectorAll('input, textarea')].map((field) => field.value).join('\n'),
    elements: [...document.querySelectorAll('img[src="x"], script:not([src]), a[href^="javascript:"], [onerror]')].map((element) => element.outerHTML),
    ran: globalThis.scripts,
    violations: globalThis.violations,
  }));
  const known = seen.get(name) ?? { text: '', elements: [], ran: [], violations: [], asks: false };
  known.text += `${found.text}\n${found.fields}\n`;
  for (const member of ['elements', 'ran', 'violations']) known[member].push(...found[member]);
  seen.set(name, known);
  return known;
}

/** Opens a page, and what it has behind tabs, links of its own and disclosures. */
async function lookAt(name, address) {
  const asked = new Set();
  const heard = (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/api/')) asked.add(pathname);
  };
  page.on('request', heard);
  await visit(page, address);
  await look(name);
  await page.locator('main details:not([open]) > summary').evaluateAll((all) => all.forEach((summary) => summary.click()));
  await settled(page);
  await look(name);
  const closed = page.locator('main button[aria-expanded=false]');
  for (let at = 0; at < Math.min(MOST_DISCLOSURES, await closed.count()); at++) {
    // Opening one may close another.
    await closed.first().evaluate((button) => button.click());
    await settled(page);
    await look(name);
  }
  const opened = new Set();
  const states = await statesOf(page, async () => (opened.add(page.url()), void (await look(name))));
  const others = states.filter((state) => !opened.has(server.console + state)).sort((one, other) => Number(other.includes('tab=')) - Number(one.includes('tab=')));
  for (const state of others.slice(0, MOST_STATES)) {
    await visit(page, server.console + state);
    await look(name);
  }
  const known = seen.get(name);
  page.off('request', heard);
  known.asks ||= [...asked].some((path) => !common.has(path));
  return asked;
}

before(async () => {
  server = await startServer({ config: CONFIG });
  await server.api('kinesisvideo', 'POST', '/createStream', { StreamName: 'plain', DataRetentionInHours: 1 });
  await plantPeople(await plantNames());
  const { status, text } = await putFragment(server, 'plain', { note: script('tags'), [plain('tags')]: script('tags') });
  planted.tags[status === 200 && text.includes('PERSISTED') ? 'taken' : 'refused'].push(`fragment ${text}`);
  await plantRequests();
  const flow = await plantFlow();
  const number = script('numbers');
  const caller = await callAs(server, { user: number, name: number });
  const scripted = server.call('+12065550142', { to: '+18005550103', seconds: 600 });
  hostile = await until('the contact of that caller', async () => (await server.contacts()).find((one) => one.CustomerEndpoint?.Address?.includes('ran(') && one.Recordings)?.ContactId);
  planted.numbers.taken.push('From');
  await plantContact(hostile);
  const inFlow = await until('the contact of that flow', async () => (await server.contacts()).find((one) => one.CustomerEndpoint?.Address === '+12065550142' && Object.keys(one.Attributes).length > 2)?.ContactId);
  browser = await openBrowser();
  page = browser.page;
  await browser.context.addInitScript(() => {
    globalThis.scripts = [];
    globalThis.violations = [];
    globalThis.ran = (mark) => globalThis.scripts.push(mark);
    addEventListener('securitypolicyviolation', (event) => globalThis.violations.push(`${event.violatedDirective} ${event.sample} ${event.blockedURI}`));
  });
  await signIn(page, server);
  const parameters = await parametersOf(server, hostile);
  parameters.flow.id = flow.ContactFlowId;
  const paths = await pagePaths(parameters);
  for (const path of await lookAt('nothing', `${server.console}/nothing`)) common.add(path);
  for (const [name, path] of paths) await lookAt(name, server.console + path);
  await lookAt('contact', `${server.console}/contacts/${inFlow}`);
  await lookAt('stream', `${server.console}/streams/plain`);
  await lookAt('access', `${server.console}/access?policy=scripted`);
  await scripted.hangUp();
  await caller.hangUp();
  await until('that caller has hung up', async () => (await server.contacts()).find((one) => one.ContactId === hostile).DisconnectTimestamp);
  await lookAt('contact', `${server.console}/contacts/${hostile}`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Nothing ran on any page, and nothing had to be kept from running. */
function nothingRan(mark) {
  for (const [name, { elements, ran, violations }] of seen) {
    assert.deepEqual(ran.filter((one) => one === mark), [], name);
    assert.deepEqual(elements.filter((one) => one.includes(`ran('${mark}')`)), [], name);
    // A violation names no field where its sample is cut: any is one too many.
    assert.deepEqual(violations, [], name);
  }
}

for (const field of FIELDS) {
  test(`script in ${field} is text on every page`, (context) => {
    const { taken, refused } = planted[field];
    context.diagnostic(`taken: ${taken.join(', ') || 'none'}; refused: ${refused.map((one) => one.slice(0, 90)).join(', ') || 'none'}`);
    assert.ok(taken.length > 0 || ['policies', 'requests'].includes(field), refused.join('\n'));
    nothingRan(field);
    const shown = [...seen].filter(([, { text }]) => text.includes(`ran('${field}')`)).map(([name]) => name);
    context.diagnostic(`shown on: ${shown.join(', ') || 'none'}`);
    for (const name of SHOWN[field] ?? []) assert.ok(shown.includes(name) || !seen.get(name).asks, `${name} does not show it`);
  });
}

test('script in an address is text on every page', async () => {
  const [mark, text] = ['addresses', script('addresses')];
  const part = encodeURIComponent(text);
  const addresses = [
    `/${part}`, `/contacts/${part}`, `/streams/${part}`, `/instances/${part}/data-storage`, `/instances/demo/flows/${part}`, `/contacts/${hostile}?tab=${part}&t=${part}`,
    `/contacts?range=${part}&flow=${part}&queue=${part}&agent=${part}&state=${part}#n=${part}&a.${part}=${part}`, `/streams?state=${part}&prefix=${part}`, `/audit?user=${part}&action=${part}`, `/#${part}`,
  ];
  for (const address of addresses) {
    await visit(page, server.console + address);
    await look(`${mark} ${address}`);
  }
  nothingRan(mark);
});

test('a sign-in leads back to a page of the console only, whatever the address asks for', async () => {
  await visit(page, `${server.console}/`);
  for (const back of ["javascript:ran('back')", "//127.0.0.1:1/", '/\\127.0.0.1:1', 'https://example.com/', "data:text/html,<script>ran('back')</script>"]) {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('**/sign-in*');
    await page.goto(`${server.console}/sign-in?back=${encodeURIComponent(back)}`);
    await page.fill('#key-id', server.keys.accessKeyId);
    await page.fill('#secret', server.keys.secretAccessKey);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${server.console}/`);
    assert.deepEqual(await page.evaluate(() => [globalThis.scripts, globalThis.violations]), [[], []]);
  }
});

test('the content security policy keeps script from running that is in a page all the same', async () => {
  await visit(page, `${server.console}/`);
  const outcome = await page.evaluate(async (html) => {
    const place = document.createElement('div');
    place.innerHTML = html;
    document.body.append(place);
    const element = document.createElement('script');
    element.textContent = "ran('element')";
    document.body.append(element);
    const link = document.createElement('a');
    link.href = "javascript:ran('link')";
    document.body.append(link);
    link.click();
    for (let frame = 0; frame < 60 && globalThis.violations.length < 3; frame++) await new Promise(requestAnimationFrame);
    return { ran: globalThis.scripts, violations: globalThis.violations.length };
  }, script('html'));
  assert.deepEqual(outcome.ran, []);
  assert.ok(outcome.violations >= 3, String(outcome.violations));
});
