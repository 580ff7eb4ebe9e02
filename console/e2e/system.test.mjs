// Keys, access, audit, health, and what a user sees whose policies deny them: npm run e2e -- system
import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser, signIn } from './browser.mjs';
import { axe, settled, visit } from './page.mjs';
import { startServer, until } from './server.mjs';

const SECRET = 'a secret of the tests';
const OFFICE = { accessKeyId: 'AKIDOFFICE', secretAccessKey: SECRET };
const SETTINGS = {
  Version: '2012-10-17',
  Statement: [
    { Sid: 'Settings', Effect: 'Allow', Action: ['connect:*', 'kinesisvideo:ListStreams', 'kms:List*', 'kms:DescribeKey', 'tympan:ListStreams'], Resource: '*' },
    { Sid: 'NoRecords', Effect: 'Deny', Action: 'connect:UpdateContactAttributes', Resource: '*' },
  ],
};
// Records are pushed to a port that takes none.
const CONFIG = `
[[policies]]
name = "settings"
document = '''${JSON.stringify(SETTINGS)}'''
[[credentials]]
access_key_id = "${OFFICE.accessKeyId}"
secret_access_key = "${SECRET}"
user = "office"
policies = ["settings"]
[contact_records]
push_url = "http://127.0.0.1:9/records"
`;
let server, owner, office, page, ended;

const go = (address, tab = page) => visit(tab, server.console + address);
const kms = (operation, value) => server.api('kms', 'POST', '/', value, { target: `TrentService.${operation}` });
const described = async (key) => (await kms('DescribeKey', { KeyId: key })).KeyMetadata;
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());

before(async () => {
  server = await startServer({ config: CONFIG });
  [owner, office] = [await openBrowser(), await openBrowser()];
  page = owner.page;
  const call = server.call('+12065550142');
  await until('a contact with a capture', async () => (await server.contacts())[0]?.Recordings?.length);
  await until('its sound is stored', async () => (await server.api('tympan', 'GET', '/tympan/streams')).Streams.some((one) => one.Fragments > 0));
  await call.hangUp();
  ended = await until('it has ended', async () => (await server.contacts()).find((one) => one.DisconnectTimestamp)?.ContactId);
  await signIn(page, server);
  await signIn(office.page, server, OFFICE);
});

after(async () => {
  await Promise.all([owner, office].map((browser) => browser?.close()));
  await server?.stop();
});

test('a key is made, described, rotated, turned off and on, and its aliases change', async () => {
  await go('/keys');
  await page.getByRole('link', { name: 'alias/aws/kinesisvideo' }).waitFor();
  await page.getByRole('button', { name: 'New key' }).click();
  const make = page.getByRole('region', { name: 'New key' });
  await make.getByLabel('Alias').fill('not good');
  await make.getByText('A name has letters, digits').waitFor();
  assert.ok(await make.getByRole('button', { name: 'Create key' }).isDisabled());
  await make.getByLabel('Alias').fill('customer-audio');
  await make.getByLabel('Description').fill('<b>calls</b>');
  await make.getByRole('button', { name: 'Create key' }).click();
  await page.waitForURL('**/keys?key=*');
  const detail = page.getByRole('region', { name: 'alias/customer-audio' });
  await detail.getByText('In use. No stream is encrypted under it.').waitFor();
  await detail.getByText('<b>calls</b>').waitFor();
  const key = await described('alias/customer-audio');
  assert.equal(key.Description, '<b>calls</b>');

  await detail.getByRole('button', { name: 'Rotate now' }).click();
  await detail.getByText(/asked for, .*, encrypts now/).waitFor();
  await detail.getByLabel('Every').fill('100');
  await detail.getByRole('button', { name: 'Set the schedule' }).click();
  await detail.getByText(/Every 100 days, next on/).waitFor();
  assert.equal((await kms('GetKeyRotationStatus', { KeyId: key.KeyId })).RotationPeriodInDays, 100);

  await detail.getByLabel('alias/', { exact: true }).fill('second');
  await detail.getByRole('button', { name: 'Add', exact: true }).click();
  await detail.getByText('alias/second').waitFor();
  assert.equal((await described('alias/second')).KeyId, key.KeyId);
  await detail.getByRole('listitem').filter({ hasText: 'alias/second' }).getByRole('button', { name: 'Delete the alias' }).click();
  await until('the alias is gone', async () => (await detail.getByText('alias/second').count()) === 0);

  await server.api('kinesisvideo', 'POST', '/createStream', { StreamName: 'sealed', DataRetentionInHours: 1, KmsKeyId: 'alias/customer-audio' });
  await go(`/keys?key=${key.KeyId}`);
  await detail.getByRole('button', { name: 'Turn off' }).click();
  await detail.getByText(/1 stream\. Sessions that are up go on/).waitFor();
  await detail.getByRole('button', { name: 'Turn off alias/customer-audio' }).click();
  await detail.getByText(/is turned off, so what it encrypts can’t be read and stays sealed\. Nothing is lost\./).waitFor();
  assert.equal((await described(key.KeyId)).KeyState, 'Disabled');

  await go('/streams/sealed');
  await page.getByText("The stream can't be read.").waitFor();
  await page.getByRole('link', { name: 'Open Keys' }).click();
  await page.waitForURL(`**/keys?key=${key.KeyId}`);
  await go('/');
  await page.getByText('The key alias/customer-audio can’t be used').waitFor();
  await go(`/keys?key=${key.KeyId}`);
  await detail.getByRole('button', { name: 'Turn on' }).click();
  await detail.getByText('In use. 1 stream is encrypted under it.').waitFor();
});

test('a key is deleted by typing its name, never by Enter, and the deletion can be cancelled', async () => {
  const { KeyId: id } = await described('alias/customer-audio');
  await go(`/keys?key=${id}`);
  const detail = page.getByRole('region', { name: 'alias/customer-audio' });
  await detail.getByRole('button', { name: 'Schedule deletion' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete alias/customer-audio?' });
  await dialog.getByText('1 stream can’t be read by anyone after that').waitFor();
  const act = dialog.getByRole('button', { name: 'Schedule deletion' });
  assert.ok(await act.isDisabled());
  await dialog.getByLabel('Wait for').fill('7');
  await dialog.getByLabel(/^Type/).fill('customer-audio');
  await page.keyboard.press('Enter');
  assert.equal((await described(id)).KeyState, 'Enabled');
  await act.click();
  await detail.getByText(/Destroyed on/).waitFor();
  const { KeyState, DeletionDate } = await described(id);
  assert.equal(KeyState, 'PendingDeletion');
  assert.ok(Math.abs(DeletionDate - Date.now() / 1000 - 7 * 86_400) < 600);
  await detail.getByRole('button', { name: 'Cancel the deletion' }).click();
  await detail.getByRole('button', { name: 'Turn on' }).click();
  await detail.getByText(/^In use\./).waitFor();
});

test('may they? The answer names policy and statement, and says what to change', async () => {
  await go('/access');
  const question = page.getByRole('region', { name: 'May they?' });
  const ask = async (who, action, resource) => {
    await question.getByLabel('May', { exact: true }).selectOption({ label: who });
    await question.getByLabel('do', { exact: true }).fill(action);
    await question.getByLabel('on', { exact: true }).fill(resource);
    await question.getByRole('button', { name: 'Ask' }).click();
    await settled(page);
  };
  await ask('office', 'kinesisvideo:GetMedia', 'stream/demo-1');
  await question.getByText('No', { exact: true }).waitFor();
  await question.getByText(/add this statement to policy settings/).waitFor();
  await question.getByRole('button', { name: 'Copy the statement' }).click();
  const statement = JSON.parse(await clipboard());
  assert.equal(statement.Action, 'kinesisvideo:GetMedia');
  assert.match(statement.Resource, /^arn:aws:kinesisvideo:us-west-2:\d+:stream\/demo-1\/\*$/);
  assert.match(page.url(), /\/access\?do=kinesisvideo%3AGetMedia&who=office|who=office&do=kinesisvideo%3AGetMedia/);
  assert.match(page.url(), /#on=stream%2Fdemo-1$/);

  await ask('office', 'connect:UpdateContactAttributes', '*');
  await question.getByText('No', { exact: true }).waitFor();
  await question.getByText(/take connect:UpdateContactAttributes out of Statement\[1\] of policy settings/).waitFor();
  await question.getByRole('link', { name: 'Show it in settings' }).click();
  await page.getByText('this statement decided').waitFor();
  assert.ok((await page.locator('.lines li.marked').allInnerTexts()).some((text) => text.includes('NoRecords')));

  await ask('office', 'connect:ListQueues', '*');
  await question.getByText('Yes', { exact: true }).waitFor();
  // The address asks again.
  await go('/access?who=office&do=kms:DisableKey#on=*');
  await question.getByText('No', { exact: true }).waitFor();
});

test('keys, policies and roles are listed, without secrets', async () => {
  await go('/access');
  await page.getByRole('tabpanel', { name: 'Access keys' }).getByRole('cell', { name: /^office/ }).waitFor();
  await page.getByRole('tab', { name: /^Policies/ }).click();
  for (const name of ['full-access', 'read-only', 'settings']) await page.getByRole('link', { name, exact: true }).first().waitFor();
  assert.ok(!(await page.content()).includes(SECRET));
  await page.getByRole('tab', { name: 'New access key' }).click();
  await page.getByText('secret_access_key_file').waitFor();
  const session = page.getByRole('region', { name: 'This session' });
  await session.getByText('TYMPANDEV').waitFor();
});

test('a document is folded, searched, and gives its paths', async () => {
  await go('/access?tab=policies&policy=settings');
  const viewer = page.getByRole('region', { name: 'settings' });
  await viewer.getByText('"NoRecords"').waitFor();
  await viewer.getByLabel('Search in the policy settings').fill('updatecontact');
  await viewer.getByText('1 of 1').waitFor();
  assert.equal(await viewer.locator('mark').innerText(), 'UpdateContact');
  await viewer.getByRole('button', { name: /"UpdateContact|UpdateContactAttributes/ }).click();
  assert.equal(await clipboard(), 'Statement[1].Action');
  const before_ = await viewer.locator('.lines li').count();
  await viewer.getByRole('button', { name: 'Fold line 3' }).click();
  assert.ok((await viewer.locator('.lines li').count()) < before_);
  await viewer.getByRole('button', { name: /^Line 3:/ }).focus();
  await page.keyboard.press('ArrowRight');
  assert.equal(await viewer.locator('.lines li').count(), before_);
  await page.keyboard.press('ArrowDown');
  assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /^Line 4:/);
});

test('a user whose policies deny a page reads which action it was, and asks for it', async () => {
  const tab = office.page;
  await go('/audit', tab);
  await tab.getByText('Your policies do not allow this: The audit file.').waitFor();
  await tab.getByText('None of your policies allows tympan:ListAuditLines on *.').waitFor();
  await tab.getByRole('button', { name: 'Copy request' }).click();
  const text = await tab.evaluate(() => navigator.clipboard.readText());
  assert.match(text, /user\/office needs tympan:ListAuditLines on \*\./);
  const entry = tab.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Audit/ });
  assert.match(await entry.getAttribute('title'), /no policy lets you do tympan:ListAuditLines/);
  await go('/health', tab);
  await tab.getByText('Your policies do not allow this: The health of the server.').waitFor();
  await go('/access', tab);
  await tab.getByText('Your policies do not allow this: The list of access keys.').waitFor();
  await tab.getByRole('region', { name: 'This session' }).getByText('office').waitFor();
  // What is allowed is there, and what is denied of it is said in its place.
  await go('/keys', tab);
  await tab.getByRole('link', { name: 'alias/customer-audio' }).click();
  await tab.getByText('Your policies do not allow GetKeyRotationStatus.').waitFor();
  await tab.getByRole('button', { name: 'Rotate now' }).click();
  await tab.getByText('Your policies do not allow this: New material.').waitFor();
  assert.deepEqual(await axe(tab, 'a denied deed'), []);
});

test('a denial of Kinesis Video Streams, which has the status 401, does not end the session', async () => {
  const tab = office.page;
  const { Streams } = await server.api('tympan', 'GET', '/tympan/streams');
  const stream = Streams.find((one) => one.Fragments > 0) ?? Streams[0];
  await go(`/streams/${stream.StreamName}`, tab);
  await tab.getByText('Your policies do not allow this: The list of fragments.').waitFor();
  await tab.getByText(/kinesisvideo:ListFragments/).first().waitFor();
  assert.ok(!tab.url().includes('sign-in'), tab.url());
});

test('the audit file is filtered, read line by line, and saved', async () => {
  await until('the denials are written', async () => (await server.api('tympan', 'GET', '/tympan/audit?kind=denial&user=office')).Lines.length > 2);
  await go('/audit');
  await page.getByLabel('Kind').selectOption({ label: 'Denial' });
  await page.waitForURL('**/audit?kind=denial');
  await page.getByLabel('User or key').fill('office');
  await page.keyboard.press('Enter');
  await page.waitForURL('**kind=denial**');
  await page.getByRole('cell', { name: 'tympan:ListAuditLines' }).first().waitFor();
  const kinds = await page.locator('tbody td:nth-child(2)').allInnerTexts();
  assert.ok(kinds.length > 2 && kinds.every((kind) => kind === 'Denial'), String(kinds));
  const saved = async (name) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
    return readFile(await download.path(), 'utf8');
  };
  const lines = (await saved('CSV')).trim().split('\r\n');
  assert.match(lines[0], /^Time,Kind,Action,User,/);
  assert.ok(lines.slice(1).every((line) => line.includes(',denial,')), lines[1]);
  assert.equal(JSON.parse((await saved('JSON lines')).split('\n')[0]).User, 'office');

  // A resource stands behind #, and a contact has its page.
  await server.api('connect', 'POST', '/contact/attributes', { InitialContactId: ended, InstanceId: server.instance.Id, Attributes: { note: 'x' } });
  await until('the change is written', async () => (await server.api('tympan', 'GET', '/tympan/audit?action=UpdateContactAttributes')).Lines.length > 0);
  await go('/audit?action=UpdateContactAttributes');
  await page.getByLabel('Part of a resource').fill(ended);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**#resource=${ended}`);
  await page.locator('tbody a').first().waitFor();
  assert.equal(await page.locator('tbody a').first().getAttribute('href'), `/contacts/${ended}`);
  await page.locator('tbody button').first().click();
  await page.getByText('"RequestId"').waitFor();
});

test('health says what waits and what is not lost, and the overview does so in its amber line', async () => {
  await until('records wait', async () => (await server.api('tympan', 'GET', '/tympan/health')).Sinks.some((sink) => sink.Kind === 'RECORDS' && sink.State === 'FAILING'));
  await go('/');
  const amber = page.locator('.notice').first();
  await amber.getByText(/Contact records are waiting, none is lost/).waitFor();
  assert.match(await page.locator('.side').innerText(), /Streams\s+\d+ of 100/);
  await amber.getByRole('link').click();
  await page.waitForURL('**/health');
  await page.getByRole('row', { name: /Contact records Fails/ }).waitFor();
  await page.getByText(/Room for [\d,]+ more calls at once\./).waitFor();
  await page.getByText(/^tympan \d+\.\d+\.\d+/).waitFor();
  await go('/streams');
  await page.getByText(/\d+ of 100 in use/).waitFor();
});

test('the configuration in force says where each value came from, and is searched', async () => {
  await go('/health?tab=configuration');
  await page.getByLabel('Search keys, values and places').fill('push_url');
  const row = page.getByRole('row', { name: /contact_records\.push_url/ });
  await row.getByText('http://127.0.0.1:9/records').waitFor();
  await row.getByText(/tympan\.toml:\d+/).waitFor();
  await page.getByLabel('Search keys, values and places').fill('sip.listen');
  await page.getByText('TYMPAN_SIP__LISTEN').first().waitFor();
  assert.match(page.url(), /find=sip\.listen/);
  await go('/health?tab=configuration');
  await page.locator('tbody tr').nth(40).waitFor();
  assert.ok(!(await page.content()).includes(SECRET));
});

test('the doctor looks at the machine, and a backup is made', async () => {
  await go('/health?tab=doctor');
  await page.getByRole('button', { name: 'Look at the machine' }).click();
  await page.getByText(/\d+ in order; looked at/).waitFor();
  await go('/health?tab=backup');
  await page.getByLabel(/^Folder on the server/).fill('relative');
  assert.ok(await page.getByRole('button', { name: 'Start a backup' }).isDisabled());
  const folder = join(server.data, '..', 'backup');
  await page.getByLabel(/^Folder on the server/).fill(folder);
  await page.getByRole('button', { name: 'Start a backup' }).click();
  await page.getByText('Complete', { exact: true }).waitFor();
  await access(join(folder, 'BACKUP.json'));
  await page.getByText('What has expired is removed by the server').waitFor();
});

test('the theme that a person chooses holds against that of the system', async () => {
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  await go('/keys');
  const light = await paper();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await paper();
  assert.notEqual(light, dark);
  await page.getByRole('button', { name: /^Theme/ }).click();
  assert.equal(await paper(), light);
  await page.getByRole('button', { name: /^Theme/ }).click();
  await page.emulateMedia({ colorScheme: 'light' });
  assert.equal(await paper(), dark);
  await page.getByRole('button', { name: /^Theme/ }).click();
  assert.equal(await paper(), light);
});

test('axe finds nothing on these pages with something in them, in both schemes, wide and narrow', async () => {
  const { KeyId: id } = await described('alias/customer-audio');
  const addresses = [
    '/', '/keys', `/keys?key=${id}`, '/access?who=office&do=kms:DisableKey#on=*', '/access?tab=policies&policy=settings&statement=1', '/access?tab=roles', '/access?tab=making', '/audit', '/audit?kind=denial', '/audit?user=stranger',
    '/health', '/health?tab=configuration', '/health?tab=doctor', '/health?tab=backup', '/streams/sealed',
  ];
  const found = [];
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      for (const address of addresses) {
        await go(address);
        if (address.startsWith('/audit') && !address.includes('stranger')) await page.locator('tbody button').first().click();
        found.push(...(await axe(page, `${address} ${width} ${colorScheme}`)));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > width) found.push(`${address}: ${wide} px at ${width}`);
      }
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.equal(found.join('\n'), '');
});

test('the browsers had nothing to complain about', () => {
  const complaints = [...owner.complaints, ...office.complaints].filter((complaint) => !/^WebSocket connection to .* 403$/.test(complaint));
  assert.deepEqual(complaints, []);
});
