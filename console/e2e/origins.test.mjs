// Pages of other origins, in the browser of a user who is signed in: nothing is let in. npm run e2e -- origins
// A page on another port of the same host is of the same site: requests from there carry the cookie, however strict that is.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { startServer, until } from './server.mjs';

const EVENTS = '/api/tympan/tympan/events';
const CONTACTS = '/api/tympan/tympan/contacts';
const CREATE = '/api/kinesisvideo/createStream';
let server, browser, page, other, cookie;

/** A web server of another origin: each path answers the page that was set for it, and what was sent there is kept. */
async function startOther() {
  const pages = new Map();
  const requests = [];
  const http = createServer((request, response) => {
    requests.push({ path: request.url, cookie: request.headers.cookie ?? '' });
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(pages.get(request.url) ?? '<!doctype html><title>other</title>');
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address();
  return { requests, pages, near: `http://127.0.0.1:${port}`, far: `http://localhost:${port}`, close: () => (http.closeAllConnections(), http.close()) };
}

/** A page of each origin that is not the console's: on another port, on another host, and of no origin at all. */
const ORIGINS = ['another port', 'another host', 'null'];
async function frameOf(origin) {
  if (origin === 'another host') await page.goto(`${other.far}/`);
  else await page.goto(`${other.near}/`);
  if (origin !== 'null') return page.mainFrame();
  await page.setContent('<iframe sandbox="allow-scripts allow-forms" srcdoc="<title>none</title>"></iframe>');
  const frame = await until('the frame is there', () => page.frames()[1]);
  await frame.waitForLoadState();
  assert.equal(await frame.evaluate(() => globalThis.origin), 'null');
  return frame;
}

before(async () => {
  server = await startServer();
  browser = await openBrowser();
  page = browser.page;
  other = await startOther();
  server.call('+12065550142', { seconds: 600 });
  await until('a contact', async () => (await server.contacts())[0]);
  await page.goto(server.signInLink);
  await page.waitForURL(`${server.console}/`);
  [cookie] = await browser.context.cookies(server.console);
});

after(async () => {
  await browser?.close();
  other?.close();
  await server?.stop();
});

const streams = async () => (await server.api('kinesisvideo', 'POST', '/listStreams', {})).StreamInfoList.map(({ StreamName }) => StreamName);

/** How often the operations of the tests' pages ran, by the server's count. */
async function operations() {
  const metrics = await (await fetch(`${server.http}/metrics`)).text();
  return metrics.split('\n').filter((line) => /^tympan_http_requests_total\{.*"(ListContacts|SearchContacts|CreateStream)"/.test(line));
}

/** The status of each request to the console in the meantime. */
function watch() {
  const seen = [];
  const heard = (response) => response.url().startsWith(server.console) && seen.push({ path: new URL(response.url()).pathname, status: response.status(), method: response.request().method() });
  page.on('response', heard);
  return { seen, end: () => (page.off('response', heard), seen) };
}

async function isSignedIn() {
  await page.goto(`${server.console}/contacts`);
  await page.getByRole('link', { name: '+1 206 555-0142' }).waitFor();
}

test('the cookie is HttpOnly and SameSite=Strict, and no page of another origin reads it', async () => {
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict' && cookie.path === '/', JSON.stringify(cookie));
  await page.goto(`${server.console}/`);
  assert.equal(await page.evaluate(() => document.cookie), '');
  await page.goto(`${other.near}/reads`);
  assert.equal(await page.evaluate(() => document.cookie), '');
  // The browser sends it there, as to all ports of the host: the tests of another port are about requests that carry it.
  assert.ok(other.requests.find(({ path }) => path === '/reads').cookie.includes(cookie.value));
});

test('what is refused to other pages, the console does for its own', async () => {
  await page.goto(`${server.console}/`);
  const before = await operations();
  const statuses = await page.evaluate(
    async ([contacts, create, events]) => [
      (await fetch(contacts)).status,
      (await fetch(create, { method: 'POST', body: '{"StreamName":"own"}' })).status,
      await new Promise((resolve) => {
        const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + events);
        socket.onmessage = () => resolve('message');
        socket.onclose = ({ code }) => resolve(code);
      }),
    ],
    [CONTACTS, CREATE, EVENTS],
  );
  assert.deepEqual(statuses, [200, 200, 'message']);
  assert.ok((await streams()).includes('own'));
  assert.notDeepEqual(await operations(), before);
});

for (const origin of ORIGINS) {
  test(`a form of a page of ${origin} is refused`, async () => {
    for (const [path, text] of [[CREATE, '{"StreamName":"stolen","x":"'], ['/api/sign-out', '{"x":"'], ['/api/sign-in', '{"accessKeyId":"TYMPANDEV","secretAccessKey":"tympandevsecret","x":"']]) {
      const frame = await frameOf(origin);
      const watched = watch();
      // A form of text/plain is JSON where its name and value are written so.
      await frame.evaluate(
        ([action, name]) => {
          const form = document.createElement('form');
          Object.assign(form, { action, method: 'POST', enctype: 'text/plain' });
          const field = document.createElement('input');
          Object.assign(field, { type: 'hidden', name, value: '"}' });
          form.append(field);
          document.body.append(form);
          form.submit();
        },
        [server.console + path, text],
      );
      const answer = await until('there is an answer', () => watched.seen[0]);
      assert.deepEqual(answer, { path, status: 403, method: 'POST' });
      watched.end();
      await frame.waitForURL((address) => address.href.startsWith(server.console) || address.protocol === 'chrome-error:');
    }
    assert.ok(!(await streams()).includes('stolen'));
    await isSignedIn();
  });

  test(`what a page of ${origin} fetches it neither reads nor changes`, async () => {
    const frame = await frameOf(origin);
    const before = await operations();
    const outcomes = await frame.evaluate(
      async ([console_, contacts, create]) => {
        const json = { 'content-type': 'application/json' };
        const body = JSON.stringify({ StreamName: 'stolen' });
        const wanted = [
          [contacts, {}],
          [contacts, { mode: 'no-cors' }],
          ['/api/session', {}],
          [`${contacts}/search`, { method: 'POST', headers: json, body: '{}' }],
          [`${contacts}/search`, { method: 'POST', mode: 'no-cors', body: '{}' }],
          [create, { method: 'POST', headers: json, body }],
          [create, { method: 'POST', mode: 'no-cors', body }],
          [create, { method: 'PUT', body }],
          ['/', {}],
        ];
        const outcomes = [];
        for (const [path, init] of wanted) {
          const got = await fetch(console_ + path, { credentials: 'include', ...init }).then(
            async (response) => `${response.type} ${response.status} ${await response.text()}`,
            () => 'refused',
          );
          outcomes.push(`${path} ${init.mode ?? 'cors'}: ${got}`);
        }
        return outcomes;
      },
      [server.console, CONTACTS, CREATE],
    );
    for (const outcome of outcomes) assert.match(outcome, /: (refused|opaque 0 )$/);
    // Nor did any operation run whose answer was kept from the page.
    assert.deepEqual(await operations(), before);
    assert.ok(!(await streams()).includes('stolen'));
  });

  test(`a page of ${origin} gets no image, script, style or worker from the console`, async () => {
    const frame = await frameOf(origin);
    const html = await (await fetch(server.console)).text();
    const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
    assert.ok(assets.length >= 2, html);
    const outcomes = await frame.evaluate(
      ([console_, paths]) => {
        const load = (tag, member, address) =>
          new Promise((resolve) => {
            const element = document.createElement(tag);
            element.onload = () => resolve(`${tag} ${address}: loaded`);
            element.onerror = () => resolve(`${tag} ${address}: refused`);
            if (tag === 'link') element.rel = 'stylesheet';
            element[member] = console_ + address;
            document.body.append(element);
          });
        return Promise.all(paths.flatMap((path) => [load('img', 'src', path), load('script', 'src', path), load('link', 'href', path)]));
      },
      [server.console, [...assets, CONTACTS, '/api/session', '/']],
    );
    for (const outcome of outcomes) assert.match(outcome, /: refused$/);
    assert.equal(await frame.evaluate((address) => { try { return new Worker(address) && 'started'; } catch { return 'refused'; } }, server.console + assets[0]), 'refused');
  });

  test(`a WebSocket of a page of ${origin} is refused`, async () => {
    const frame = await frameOf(origin);
    const outcome = await frame.evaluate(
      (address) =>
        new Promise((resolve) => {
          const socket = new WebSocket(address);
          socket.onopen = () => resolve('open');
          socket.onmessage = () => resolve('message');
          socket.onclose = ({ code }) => resolve(`closed ${code}`);
        }),
      server.console.replace(/^http/, 'ws') + EVENTS,
    );
    assert.equal(outcome, 'closed 1006');
  });

  test(`no frame, object or window of a page of ${origin} shows the console`, async () => {
    const frame = await frameOf(origin);
    await frame.evaluate((address) => {
      for (const [tag, member] of [['iframe', 'src'], ['object', 'data'], ['embed', 'src']]) {
        const element = document.createElement(tag);
        element[member] = address;
        document.body.append(element);
      }
    }, `${server.console}/contacts`);
    const inner = () => frame.childFrames();
    await until('the frames were refused', async () => inner().length > 0 && (await Promise.all(inner().map((one) => one.evaluate(() => location.href === 'chrome-error://chromewebdata/' || location.href === 'about:blank').catch(() => false)))).every(Boolean));
    for (const one of inner()) assert.equal(await one.locator('#app, h1 a, [role=navigation]').count(), 0, one.url());
    if (origin === 'null') return;
    // A window that it opens is not its own to reach into.
    const [opened] = await Promise.all([browser.context.waitForEvent('page'), frame.evaluate((address) => void (globalThis.opened = open(address)), `${server.console}/contacts`)]);
    await opened.waitForSelector('h1');
    assert.equal(await opened.evaluate(() => globalThis.opener), null);
    assert.equal(await frame.evaluate(() => globalThis.opened.closed), true);
    await opened.close();
  });
}

test('a cookie that was taken is worth nothing in a page of another origin, and signs nothing', async () => {
  const thief = await openBrowser();
  try {
    const { port } = new URL(server.console);
    await thief.context.addCookies([{ name: cookie.name, value: cookie.value, domain: 'localhost', path: '/', httpOnly: true, sameSite: 'Lax' }]);
    await thief.page.goto(`${other.far}/thief`);
    const sent = await until('the cookie is sent', () => other.requests.find(({ path }) => path === '/thief')?.cookie);
    assert.ok(sent.includes(cookie.value));
    const console_ = `http://localhost:${port}`;
    const before = await operations();
    const outcome = await thief.page.evaluate(
      (address) => fetch(address, { credentials: 'include' }).then((response) => response.text(), () => 'refused'),
      console_ + CONTACTS,
    );
    assert.equal(outcome, 'refused');
    assert.deepEqual(await operations(), before);
    const socket = await thief.page.evaluate(
      (address) => new Promise((resolve) => { const socket = new WebSocket(address); socket.onopen = () => resolve('open'); socket.onclose = () => resolve('closed'); }),
      `ws://localhost:${port}${EVENTS}`,
    );
    assert.equal(socket, 'closed');
  } finally {
    await thief.close();
  }
  // Outside of a browser, with the origin of that page; and as what signs a request to the APIs.
  const headers = { cookie: `${cookie.name}=${cookie.value}`, origin: other.near };
  assert.equal((await fetch(server.console + CONTACTS, { headers })).status, 403);
  assert.equal((await fetch(server.console + CREATE, { method: 'POST', headers: { cookie: headers.cookie }, body: '{"StreamName":"stolen"}' })).status, 403);
  const api = await fetch(`${server.http}/tympan/contacts`, { headers: { ...headers, 'x-amz-security-token': cookie.value } });
  assert.ok(api.status >= 400, String(api.status));
  assert.ok(!(await streams()).includes('stolen'));
});
