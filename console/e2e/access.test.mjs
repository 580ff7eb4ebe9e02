// Two users with different policies, each in a browser of their own: npm run e2e -- access
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser, signIn } from './browser.mjs';
import { startServer, until } from './server.mjs';

const SECRET = 'a secret of the tests';
const READER = { accessKeyId: 'AKIDREADER', secretAccessKey: SECRET };
const SETTER = { accessKeyId: 'AKIDSETTER', secretAccessKey: SECRET };
const SETTINGS = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'Settings', Effect: 'Allow', Action: ['connect:*', 'kms:ListAliases', 'kms:ListKeys', 'kms:DescribeKey', 'kms:CreateGrant', 'kinesisvideo:ListStreams'], Resource: '*' }],
};
const CONFIG = `
[[policies]]
name = "settings"
document = '''${JSON.stringify(SETTINGS)}'''
[[credentials]]
access_key_id = "${READER.accessKeyId}"
secret_access_key = "${SECRET}"
user = "archive"
policies = ["read-only"]
[[credentials]]
access_key_id = "${SETTER.accessKeyId}"
secret_access_key = "${SECRET}"
user = "office"
policies = ["settings"]
`;
let server, reader, setter;

before(async () => {
  server = await startServer({ config: CONFIG });
  [reader, setter] = [await openBrowser(), await openBrowser()];
  server.call('+12065550142', { seconds: 600 });
  await until('a live contact', async () => (await server.contacts())[0]?.Recordings);
  await signIn(reader.page, server, READER);
  await signIn(setter.page, server, SETTER);
});

after(async () => {
  await Promise.all([reader, setter].map((browser) => browser?.close()));
  await server?.stop();
});

const storage = async () => {
  const { StorageConfigs } = await server.api('connect', 'GET', `/instance/${server.instance.Id}/storage-configs?resourceType=MEDIA_STREAMS`);
  return StorageConfigs[0].KinesisVideoStreamConfig.Prefix;
};

async function setPrefix(page, prefix) {
  await page.goto(`${server.console}/instances/demo/data-storage`);
  const section = page.getByRole('region', { name: 'Live media streaming' });
  await section.getByRole('button', { name: 'Edit' }).click();
  await section.getByLabel('Prefix').fill(prefix);
  await section.getByRole('button', { name: 'Save' }).click();
  return section;
}

test('a user who may read sees the calls, and what they change is refused with the reason', async () => {
  const { page } = reader;
  await page.goto(`${server.console}/`);
  await page.getByRole('link', { name: '+1 206 555-0142' }).waitFor();
  await page.getByText(/^Live(, \d+ ms)?$/).waitFor();
  await page.locator('#rail').getByText('archive').first().waitFor();
  const section = await setPrefix(page, 'reader');
  await section.getByText('Your policies do not allow this: Save.').waitFor();
  await section.getByText(/AccessDeniedException/).waitFor();
  assert.match(await storage(), /^demo-/);
});

test('a user who may change settings only does that, reads why the calls are not shown, and is not signed out', async () => {
  const { page } = setter;
  const section = await setPrefix(page, 'office');
  await section.getByRole('button', { name: 'Edit' }).waitFor();
  assert.match(await storage(), /^office-/);
  await page.goto(`${server.console}/contacts`);
  await page.getByText('Your policies do not allow this: The list of contacts.').waitFor();
  await page.getByText(/AccessDeniedException, request \S+/).first().waitFor();
  await page.getByText('Live feed not allowed').waitFor();
  assert.equal(await page.getByText('555-0142').count(), 0);
  await page.goto(`${server.console}/`);
  await page.getByText('Your policies do not allow WatchEvents').waitFor();
  assert.equal(await page.getByText('555-0142').count(), 0);
  await page.locator('#rail').getByText('office').first().waitFor();
});

test('the audit file has who changed it, and who was refused', async () => {
  const line = (event, user, action) =>
    until(`${event} of ${user}`, async () => {
      const lines = (await readFile(join(server.data, 'audit.jsonl'), 'utf8')).trim().split('\n').map((text) => JSON.parse(text));
      return lines.find((one) => one.event === event && one.principal.endsWith(`:user/${user}`) && one.action === action);
    });
  const refused = await line('denial', 'archive', 'connect:UpdateInstanceStorageConfig');
  assert.equal(refused.session_of, READER.accessKeyId);
  const done = await line('administration', 'office', 'connect:UpdateInstanceStorageConfig');
  assert.equal(done.session_of, SETTER.accessKeyId);
  assert.equal(done.status, 200);
});

test('a prompt is heard by whom a policy lets, and uploaded by none of the two', async () => {
  const address = `${server.console}/instances/demo/prompts`;
  await setter.page.goto(address);
  await setter.page.getByRole('button', { name: 'Play Beep.wav' }).click();
  await setter.page.getByText('None of your policies allows tympan:GetPromptAudio').waitFor();
  await reader.page.goto(address);
  await reader.page.getByRole('button', { name: 'Play CustomerHold.wav' }).click();
  await reader.page.getByRole('button', { name: 'Stop CustomerHold.wav' }).click();
  await reader.page.getByRole('button', { name: 'Create a prompt' }).click();
  await reader.page.getByLabel('Name', { exact: true }).fill('Mine.wav');
  await reader.page.getByLabel('WAV file').setInputFiles({ name: 'mine.wav', mimeType: 'audio/wav', buffer: Buffer.from('RIFF') });
  await reader.page.getByRole('button', { name: 'Create', exact: true }).click();
  await reader.page.getByText('None of your policies allows tympan:UploadPrompt').waitFor();
});

test('sessions are listed, one who may not end those of others sees their own, and an ended one is over at once', async () => {
  const admin = await openBrowser();
  try {
    await signIn(admin.page, server);
    await admin.page.goto(`${server.console}/access`);
    const sessions = (page) => page.getByRole('region', { name: 'Sessions' });
    const row = (page, user) => sessions(page).getByRole('row').filter({ hasText: user });
    await row(admin.page, 'archive').waitFor();
    assert.match(await row(admin.page, 'archive').innerText(), /127\.0\.0\.1/);
    await setter.page.goto(`${server.console}/access`);
    await sessions(setter.page).getByText('sessions of others are not shown').waitFor();
    assert.equal(await row(setter.page, 'archive').count(), 0);
    await row(setter.page, 'office').getByText('this one').waitFor();
    // The live feed of the page goes with its session.
    await reader.page.goto(`${server.console}/contacts`);
    await reader.page.getByText(/^Live(, \d+ ms)?$/).waitFor();
    await row(admin.page, 'archive').getByRole('button', { name: 'End' }).click();
    await row(admin.page, 'archive').getByRole('button', { name: 'End it now' }).click();
    await reader.page.waitForURL('**/sign-in*');
    await until('it is not listed', async () => (await row(admin.page, 'archive').count()) === 0);
    await signIn(reader.page, server, READER);
    await setter.page.goto(`${server.console}/contacts`);
  } finally {
    await admin.close();
  }
});

test('signing out of one browser leaves the other one signed in', async () => {
  await setter.page.getByRole('button', { name: 'Sign out' }).click();
  await setter.page.waitForURL('**/sign-in*');
  assert.deepEqual(await setter.context.cookies(), []);
  await reader.page.goto(`${server.console}/contacts`);
  await reader.page.getByRole('link', { name: '+1 206 555-0142' }).waitFor();
});

test('the browsers had nothing to complain about', () => {
  // The browser logs itself that the feed was refused.
  const complaints = [...reader.complaints, ...setter.complaints].filter((complaint) => !/^WebSocket connection to .* 403$/.test(complaint));
  assert.deepEqual(complaints, []);
});
