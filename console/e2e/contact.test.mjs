// The contact page: its sound, live and past, its links, its downloads and its deletion: npm run e2e -- contact
// CONTACT_LISTEN_SECONDS=600 listens for ten minutes.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { putBody, putFragment } from './media.mjs';
import { axe, visit } from './page.mjs';
import { startServer, until } from './server.mjs';
import { sign } from './sigv4.mjs';

const LISTEN_SECONDS = Number(process.env.CONTACT_LISTEN_SECONDS ?? 12);
const FROM = 'AUDIO_FROM_CUSTOMER';
const TO = 'AUDIO_TO_CUSTOMER';
let server, browser, page, known, ended, live;

/** The value of a code of G.711 mu-law: a telephone line carries it unchanged. */
function fromMulaw(code) {
  const bits = ~code & 0xff;
  const value = (((bits & 0x0f) * 8 + 0x84) << ((bits >> 4) & 7)) - 0x84;
  return bits & 0x80 ? -value : value;
}

/** Samples that a line carries unchanged, no two stretches alike, and a WAV file of them. */
function knownSamples(seconds) {
  let state = 12_345;
  const next = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) >> 16;
  const samples = Int16Array.from({ length: seconds * 8_000 }, () => fromMulaw((next() & 0x8f) | 0x20 | ((next() & 1) << 4)));
  const wav = Buffer.alloc(44 + samples.length * 2);
  wav.write('RIFF', 0).toString();
  wav.writeUInt32LE(36 + samples.length * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(8_000, 24);
  wav.writeUInt32LE(16_000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, at) => wav.writeInt16LE(sample, 44 + at * 2));
  return { samples, wav };
}

/** FNV-1a of samples, as the worklet makes it of what it puts out. */
function digest(samples) {
  let hash = 0x811c9dc5;
  for (const sample of samples) hash = Math.imul(Math.imul(hash ^ (sample & 0xff), 0x01000193) ^ ((sample >> 8) & 0xff), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** GetAudio, signed as a program signs it. */
async function audio(id, query) {
  const url = new URL(`/tympan/contacts/${id}/audio?${new URLSearchParams(query)}`, server.http);
  const headers = sign({ method: 'GET', url, service: 'tympan', region: server.region, keys: server.keys });
  const answer = await fetch(url, { headers });
  assert.equal(answer.status, 200, await (answer.ok ? '' : answer.text()));
  return Buffer.from(await answer.arrayBuffer());
}
const raw = async (id, track, range = {}) => {
  const bytes = await audio(id, { track, format: 'raw', ...range });
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

/** Where a stretch stands among the known samples, by its first ones; undefined where packets did not arrive among those. */
function placeInKnown(stretch) {
  search: for (let at = 0; at + stretch.length <= known.samples.length; at++) {
    for (let one = 0; one < 64; one++) if (stretch[one] !== known.samples[at + one]) continue search;
    return at;
  }
  return undefined;
}

const player = (name) => page.locator('.player').getAttribute(`data-${name}`);
const button = (name) => page.getByRole('button', { name, exact: true });
const time = () => Number(new URL(page.url()).searchParams.get('t'));

/** Stretches that the worklet put out from now on, by its own account: noted in the page, so that none is missed. */
async function playedStretches(count) {
  await page.evaluate(() => {
    const { dataset } = document.querySelector('.player');
    globalThis.stretches = [];
    const note = () => {
      const { playedFrom: from, playedTo: to, playedDigest: digest } = dataset;
      if (digest && globalThis.stretches.at(-1)?.to !== Number(to)) globalThis.stretches.push({ from: Number(from), to: Number(to), digest });
    };
    new MutationObserver(note).observe(document.querySelector('.player'), { attributes: true });
  });
  await until(`${count} stretches were played`, () => page.evaluate((wanted) => globalThis.stretches.length >= wanted, count));
  return page.evaluate(() => globalThis.stretches);
}

before(async () => {
  server = await startServer();
  known = knownSamples(40);
  await writeFile(join(server.data, '..', 'known.wav'), known.wav);
  const first = server.tympan('call', `sip:+18005550100@${server.sip}`, '--audio', join(server.data, '..', 'known.wav'), '--codec', 'pcmu', '--from', '+12065550142', '--duration', '26', '--dtmf', '2@4s', '-q');
  server.call('+13605550177', { seconds: 900 + LISTEN_SECONDS, keys: ['1@3s'] });
  browser = await openBrowser();
  page = browser.page;
  page.setDefaultTimeout(15_000);
  await page.goto(server.signInLink);
  await page.waitForURL(`${server.console}/`);
  live = await until('a live call', async () => (await server.contacts()).find((one) => one.CustomerEndpoint.Address === '+13605550177' && one.Recordings?.length === 2)?.ContactId);
  await first;
  ended = await until('a call that has ended', async () => (await server.contacts()).find((one) => one.CustomerEndpoint.Address === '+12065550142' && one.DisconnectTimestamp)?.ContactId);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const go = (address) => visit(page, server.console + address);

test('what the worklet plays is what the caller said, sample by sample', async (context) => {
  const captured = await raw(ended, FROM);
  await go(`/contacts/${ended}?t=10`);
  await button('Play').click();
  const stretches = await playedStretches(6);
  await button('Pause').click();
  let own = 0;
  for (const { from, to, digest: made } of stretches) {
    assert.equal(made, digest(captured.subarray(from, to)), `GetAudio, ${from} to ${to}`);
    const place = placeInKnown(captured.subarray(from, to));
    if (place !== undefined && made === digest(known.samples.subarray(place, place + to - from))) own++;
  }
  // A busy machine makes packets late: what was lost is silence in the capture, and no sample of the caller.
  assert.ok(own > 0, 'no stretch is what the caller said');
  assert.ok(stretches[0].from >= 9.9 * 8_000, 'it begins at the place of the address');
  context.diagnostic(`${own} of ${stretches.length} stretches are the caller's own samples, from ${stretches[0].from} to ${stretches.at(-1).to}`);
});

test('both tracks are mixed, and each is heard alone', async () => {
  await go(`/contacts/${ended}?t=0.5&lanes=from,to`);
  const [from, to] = await Promise.all([raw(ended, FROM), raw(ended, TO)]);
  await button('Play').click();
  const [mixed] = await playedStretches(1);
  const sum = Int16Array.from({ length: mixed.to - mixed.from }, (_, at) => Math.max(-32_768, Math.min(32_767, from[mixed.from + at] + to[mixed.from + at])));
  assert.equal(mixed.digest, digest(sum));
  await page.keyboard.press('1');
  await page.waitForURL('**lanes=to**');
  await until('the other alone', async () => {
    const [begin, end, made] = await Promise.all(['played-from', 'played-to', 'played-digest'].map(player));
    return made === digest(to.subarray(Number(begin), Number(end)));
  });
  await page.keyboard.press('k');
  assert.equal(await player('mode'), 'off');
});

test('a seek plays there, a link leads there, and a pause keeps the place', async () => {
  await go(`/contacts/${ended}?t=2`);
  const asked = [];
  page.on('request', (request) => request.url().includes('/audio?') && asked.push(request.url()));
  await page.locator('button.play:enabled').waitFor();
  await page.locator('[role=slider]').focus();
  await page.keyboard.press('k');
  await until('it plays', async () => (await player('mode')) === 'playing' && Number(await player('position')) > 16_000);
  await page.keyboard.press('l');
  await until('5 s on', async () => Number(await player('position')) > 7 * 8_000 - 1_000);
  await page.keyboard.press(' ');
  await until('it stands', async () => (await player('mode')) === 'off');
  const there = time();
  assert.ok(there >= 7 && there < 12, String(there));
  await page.keyboard.press('.');
  assert.equal(time(), Math.round((there + 0.02) * 100) / 100);
  await page.keyboard.press('c');
  const link = await page.evaluate(() => navigator.clipboard.readText());
  await page.goto(link);
  await page.waitForSelector('[role=slider]');
  assert.equal(time(), Math.round((there + 0.02) * 100) / 100);
  assert.ok(asked.every((url) => /track=AUDIO_FROM_CUSTOMER&from=\d+&to=\d+&format=raw/.test(url)), asked.join('\n'));
});

test('speed, silence and loops', async () => {
  await go(`/contacts/${ended}?t=9`);
  await page.getByLabel('Speed').selectOption('2');
  await button('Play').click();
  await until('it plays', async () => (await player('mode')) === 'playing' && (await player('waiting')) === 'false');
  const begun = Number(await player('position'));
  const at = Date.now();
  await until('it has played for some seconds', async () => Number(await player('position')) > begun + 32_000);
  const speed = (Number(await player('position')) - begun) / 8 / (Date.now() - at);
  assert.ok(speed > 1.7 && speed < 2.3, String(speed));
  await button('Pause').click();
  await page.getByLabel('Speed').selectOption('1');
  await page.fill('#go-to', '12');
  await page.keyboard.press('Enter');
  await page.keyboard.press('[');
  await page.fill('#go-to', '0:13');
  await page.keyboard.press('Enter');
  await page.keyboard.press(']');
  await page.getByRole('button', { name: 'Loop 0:12.0 to 0:13.0' }).waitFor();
  await page.fill('#go-to', '0:12');
  await page.keyboard.press('Enter');
  await button('Play').click();
  let last = 0;
  await until('it went round', async () => {
    const position = Number(await player('position'));
    const isBack = position < last;
    last = position;
    return isBack;
  });
  await page.getByRole('button', { name: /^Loop/ }).click();
  await button('Skip silence').click();
  // The pause of the capture has no speech: it is not played.
  const record = await server.api('tympan', 'GET', `/tympan/contacts/${ended}/waveform?columns=1`);
  const pause = record.Tracks[0].Spans.find((span) => span.Kind === 'pause');
  await page.fill('#go-to', String((pause.At / 8_000 + 0.4).toFixed(1)));
  await page.keyboard.press('Enter');
  await until('it is behind the pause', async () => Number(await player('position')) >= pause.At + pause.Samples - 2_000, 3);
  await page.keyboard.press('k');
});

test('times are read as people write them, and fragments by their numbers', async () => {
  await go(`/contacts/${ended}`);
  const { Recordings: captures } = await server.api('tympan', 'GET', `/tympan/contacts/${ended}`);
  const enter = async (text) => {
    await page.fill('#go-to', text);
    await page.locator('#go-to').press('Enter');
  };
  const started = await page.locator('.label.start').innerText();
  const [hour, minute, second] = started.match(/\d\d/g).map(Number);
  const clock = new Date(Date.UTC(2026, 0, 1, hour, minute, second + 5)).toISOString().slice(11, 19);
  for (const [text, wanted] of [['0:07', 7], ['8.5', 8.5], [`${clock}.2`, 5.2]]) {
    await enter(text);
    await until(`${text} is read`, () => Math.abs(time() - wanted) < 1);
  }
  await enter('-3');
  await until('3 s before the end', () => time() > 15);
  await enter('9:59');
  await page.getByText('The call has no such time.').waitFor();
  const at = Date.parse(captures[1].StartTimestamp) / 1000;
  const { Fragments } = await server.api('kinesisvideo', 'POST', '/listFragments', {
    StreamName: captures[1].Location.split('/')[1], FragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: { StartTimestamp: at - 5, EndTimestamp: at + 60 } },
  });
  const inside = Fragments.filter(({ FragmentNumber: number }) => number > captures[1].FragmentStartNumber && number <= captures[1].FragmentStopNumber).sort((a, b) => (a.FragmentNumber < b.FragmentNumber ? -1 : 1));
  await enter(inside[2].FragmentNumber);
  await until('the fragment is there', () => time() > 5 && time() < 15);
  await enter('9'.repeat(47));
  await page.getByText('The contact has no such fragment').waitFor();
  await page.getByRole('tab', { name: 'Losses and gaps' }).click();
  await page.getByRole('button', { name: /^Go there/ }).first().click();
  const pause = await page.locator('td.mono').first().innerText();
  await until('the gap is there', () => Math.abs(time() - Number(pause.split(':')[1])) < 0.2);
});

test('the sound of a live call arrives as it is captured, and soon', { timeout: (LISTEN_SECONDS + 120) * 1000 }, async (context) => {
  await go(`/contacts/${live}`);
  await button('Listen live').click();
  await button('Stop listening').waitFor();
  const stretches = await playedStretches(4);
  await page.getByText(/\d+ ms behind/).first().waitFor();
  assert.match(await page.locator('.edge').innerText(), /^hearing$/);
  await new Promise((resolve) => setTimeout(resolve, LISTEN_SECONDS * 1000));
  const figures = Object.fromEntries(await Promise.all(['latency-p50-ms', 'latency-max-ms', 'underruns', 'moves', 'late'].map(async (name) => [name, Number(await player(name))])));
  context.diagnostic(JSON.stringify(figures));
  await button('Stop listening').click();
  await until('it is captured', async () => (await raw(live, FROM)).length >= stretches.at(-1).to);
  const captured = await raw(live, FROM);
  for (const { from, to, digest: made } of stretches) assert.equal(made, digest(captured.subarray(from, to)), `${from} to ${to}`);
  assert.ok(figures['latency-p50-ms'] > 0 && figures['latency-p50-ms'] < 250, JSON.stringify(figures));
});

test('there is one sound at a time', async () => {
  await go(`/contacts/${live}?t=3`);
  await page.getByText(/ behind$/).first().waitFor();
  await button('Play').click();
  await until('it plays', async () => (await player('mode')) === 'playing');
  await button('Listen live').click();
  await until('it listens', async () => (await player('mode')) === 'listening');
  assert.equal(await button('Play').count(), 1);
  await button('Play').click();
  await until('it plays again', async () => (await player('mode')) === 'playing');
  await button('Listen live').waitFor();
  await button('Pause').click();
});

test('a live page asks for the new part of the waveform alone', async () => {
  await go(`/contacts/${live}`);
  await page.waitForTimeout(1_500);
  const asked = [];
  const note = (request) => request.url().includes('/waveform?') && asked.push(new URL(request.url()).searchParams);
  page.on('request', note);
  const captured = () => page.locator('.facts').innerText();
  const before = await captured();
  await until('it grows', async () => asked.length >= 3 && (await captured()) !== before);
  page.off('request', note);
  for (const query of asked) assert.ok(Number(query.get('from')) > 3_000 && Number(query.get('columns')) < 200, String(query));
});

test('when the call ends while a page listens, it says so and stays', async () => {
  const call = server.call('+15035550199', { seconds: 120 });
  const id = await until('the call', async () => (await server.contacts()).find((one) => one.CustomerEndpoint.Address === '+15035550199' && one.Recordings?.length)?.ContactId);
  await go(`/contacts/${id}`);
  await button('Listen live').click();
  await playedStretches(2);
  await call.hangUp();
  await page.getByText(/^Ended at 0:\d\d, by customer$/).waitFor();
  assert.equal(await player('mode'), 'off');
  assert.ok(page.url().includes(id));
  await button('Play').waitFor();
});

test('the sound is saved as wav, raw and mkv', async () => {
  await go(`/contacts/${ended}`);
  const captured = await raw(ended, FROM);
  const save = async (name) => {
    await button('Download').click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()]);
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  };
  const wav = await save('From customer, wav');
  assert.equal(wav.name, `${ended.slice(0, 8)}-from-customer.wav`);
  assert.equal(wav.bytes.toString('latin1', 0, 4), 'RIFF');
  assert.equal(wav.bytes.readUInt32LE(24), 8_000);
  assert.ok(wav.bytes.subarray(44).equals(Buffer.from(captured.buffer)));
  const other = await save(/^To customer, raw/);
  assert.ok(other.bytes.equals(Buffer.from((await raw(ended, TO)).buffer)));
  const mkv = await save(/^All tracks, mkv/);
  assert.equal(mkv.bytes.readUInt32BE(0), 0x1a45dfa3);
});

test('how to read it stands there for four programs, from three places', async () => {
  await go(`/contacts/${ended}?t=12&tab=code`);
  const { Recordings: captures } = await server.api('tympan', 'GET', `/tympan/contacts/${ended}`);
  const code = () => page.locator('pre').innerText();
  for (const language of ['aws cli', 'boto3', 'Rust', 'LMSDemo']) {
    await button(language).click();
    await until(language, async () => (await code()).includes(captures[0].FragmentStartNumber));
  }
  await page.getByRole('button', { name: /^0:12\.0.*the playhead$/ }).click();
  // LMSDemo begins after a number: the one before the fragment at the playhead.
  await until('the number is found', async () => /"\d{47}"/.test(await code()));
  const [, after] = /"(\d{47})"/.exec(await code());
  assert.ok(after >= captures[1].FragmentStartNumber && after < captures[1].FragmentStopNumber, after);
  await button('Rust').click();
  await until('a time', async () => /DateTime::from_millis\(\d{13}\)/.test(await code()));
  await go(`/contacts/${live}?tab=code`);
  await button('boto3').click();
  await button('Live edge').click();
  await until('now', async () => (await code()).includes('"StartSelectorType": "NOW"'));
});

test('the tags of a fragment are read from it', async () => {
  const { Recordings: captures } = await server.api('tympan', 'GET', `/tympan/contacts/${ended}`);
  await go(`/streams/${captures[0].Location.split('/')[1]}`);
  const row = page.locator('.rows tbody tr').nth(1);
  const [number] = /\d{47}/.exec(await row.innerText());
  await row.getByRole('button', { name: /^Tags/ }).click();
  await page.locator('.tags dt').getByText('AWS_KINESISVIDEO_FRAGMENT_NUMBER', { exact: true }).waitFor();
  assert.ok((await page.locator('.tags').innerText()).includes(number));
});

test('acknowledgements are shown as they are sent, and stand while they are paused', async () => {
  await server.api('kinesisvideo', 'POST', '/createStream', { StreamName: 'told', DataRetentionInHours: 1 });
  await go('/streams/told');
  await page.getByText('None since the server was started.').waitFor();
  const rows = page.getByRole('table', { name: 'What the producers of this stream were told, newest first' }).locator('tbody tr');
  const { text } = await putFragment(server, 'told', {});
  const events = text.trim().split('\n').map((line) => JSON.parse(line));
  await until('they are there', async () => (await rows.count()) === events.length);
  assert.deepEqual(events.map(({ EventType }) => EventType), ['BUFFERING', 'RECEIVED', 'PERSISTED']);
  const shown = (await rows.allInnerTexts()).reverse();
  events.forEach(({ EventType, FragmentNumber }, at) => assert.ok(shown[at].includes(EventType) && shown[at].includes(FragmentNumber.slice(-6)), shown[at]));
  await button('Pause').click();
  const refused = await putBody(server, 'told', Buffer.from('no Matroska'));
  const { ErrorId } = JSON.parse(refused.text.trim().split('\n').at(-1));
  await page.getByText(/^Paused\./).waitFor();
  assert.equal(await rows.count(), events.length);
  await button('Go on').click();
  await page.getByRole('cell', { name: new RegExp(`ERROR\\s*${ErrorId}`) }).waitFor();
  // Of a capture its last word is told, once a fragment.
  const { Recordings: captures } = await server.api('tympan', 'GET', `/tympan/contacts/${live}`);
  await go(`/streams/${captures[0].Location.split('/')[1]}`);
  await until('a second one', async () => (await rows.count()) >= 2);
  for (const row of await rows.allInnerTexts()) assert.match(row, /PERSISTED/);
});

test('who heard the contact is listed, and a policy that denies it says why', async () => {
  await go(`/contacts/${ended}?tab=heard`);
  await page.getByRole('cell', { name: /^Played or saved/ }).first().waitFor();
  await go(`/contacts/${live}?tab=heard`);
  await page.getByRole('cell', { name: /^Listened live/ }).first().waitFor();
  await page.route('**/tympan/audit?*', (route) => route.fulfill({ status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' }, json: { Message: 'No policy allows tympan:ListAuditLines.' } }));
  await go(`/contacts/${ended}?tab=heard`);
  await page.getByText('Your policies do not allow this: Who heard this contact.').waitFor();
  await page.unroute('**/tympan/audit?*');
});

test('sound that is denied says so, and the page stays', async () => {
  await page.route('**/audio?*', (route) => route.fulfill({ status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' }, json: { Message: 'No policy allows tympan:GetAudio.' } }));
  await go(`/contacts/${ended}?t=2`);
  await button('Play').click();
  await page.getByText('No policy allows tympan:GetAudio.').waitFor();
  assert.equal(await player('mode'), 'off');
  await page.unroute('**/audio?*');
});

test('axe finds nothing on the page in any of its states, in both schemes, wide and narrow', async () => {
  const found = [];
  // Colours are those of the scheme at any width, and places those of the width in any scheme.
  for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const where = `${width} ${colorScheme}`;
    await go(`/contacts/${ended}?tab=heard&t=3`);
    await button('Download').click();
    found.push(...(await axe(page, `downloads ${where}`)));
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    found.push(...(await axe(page, `keys ${where}`)));
    await button('Close').click();
    await button('More').click();
    await page.getByRole('button', { name: /^Delete this contact/ }).click();
    found.push(...(await axe(page, `deletion ${where}`)));
    await button('Keep').click();
    await go(`/contacts/${live}?tab=code`);
    await button('Listen live').last().click();
    await until('it listens', async () => (await player('mode')) === 'listening');
    found.push(...(await axe(page, `listening ${where}`)));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) found.push(`${wide} px at ${width}`);
    await button('Stop listening').last().click();
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
  assert.equal(found.join('\n'), '');
});

test('a contact is deleted with its sound, and what is left is shown', async () => {
  await go(`/contacts/${ended}`);
  await button('More').click();
  await page.getByRole('button', { name: /^Delete this contact/ }).click();
  const erase = button('Delete for good');
  assert.ok(await erase.isDisabled());
  await page.fill('#deletion-word', '0143');
  assert.ok(await erase.isDisabled());
  await page.fill('#deletion-word', '0142');
  await page.locator('#deletion-word').press('Enter');
  await page.waitForTimeout(300);
  assert.equal((await server.ask('tympan', 'GET', `/tympan/contacts/${ended}`)).status, 200, 'Enter alone deletes nothing');
  await erase.click();
  await page.getByRole('heading', { name: `Contact ${ended.slice(0, 8)} is deleted` }).waitFor();
  await page.getByRole('row', { name: /^DescribeContact 404 ResourceNotFoundException gone/ }).waitFor();
  await page.getByRole('row', { name: /^SearchContacts.* not found; .* gone/ }).waitFor();
  assert.equal(await page.getByRole('row', { name: /^ListFragments, capture \d none is listed gone/ }).count(), 2);
  await page.getByRole('row', { name: /^ListAuditLines.*written down/ }).waitFor();
  assert.ok(!(await page.locator('main').innerText()).includes('0142'));
  const found = await axe(page, 'deleted');
  assert.deepEqual(found, []);
  await go('/contacts#n=2065550142');
  await page.getByText('No contact matches').waitFor();
  await go(`/contacts/${ended}`);
  await page.getByText('There is no such contact').waitFor();
});
