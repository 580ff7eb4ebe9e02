// The pages of an instance, the wallboard and the views of contacts, in Chromium against a real server. Needs dist, a built tympan and
// Debian's chromium: TYMPAN=../target/debug/tympan node --test e2e/settings.test.mjs
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { serve } from '../dev/serve.mjs';
import { openBrowser } from './browser.mjs';
import { startServer, until } from './server.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let server, console_, browser, page, id;
const complaints = [];

const go = async (address) => {
  await page.goto(console_.origin + address);
  await page.waitForSelector('h1');
};
const region = (name) => page.getByRole('region', { name, exact: true });
const button = (name) => page.getByRole('button', { name, exact: true });
const form = (name) => page.getByRole('form', { name, exact: true });
const dialog = () => page.getByRole('dialog');
const code = () => region('The same in code').locator('pre').innerText();
const connect = (method, path, body) => server.api('connect', method, path, body);

/** Confirms a deletion by typing its word; a wrong word and Enter alone delete nothing. */
async function confirm(verb, word) {
  const pressed = dialog().getByRole('button', { name: verb });
  assert.ok(await pressed.isDisabled());
  await dialog().getByRole('textbox').fill(`${word}x`);
  assert.ok(await pressed.isDisabled());
  await dialog().getByRole('textbox').fill(word);
  await page.keyboard.press('Enter');
  assert.ok(await dialog().isVisible());
  await pressed.click();
  await dialog().waitFor({ state: 'detached' });
}

before(async () => {
  server = await startServer();
  id = server.instance.Id;
  console_ = await serve({ console: server.console });
  browser = await openBrowser();
  page = browser.context.pages()[0];
  page.setDefaultTimeout(8_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // The browser logs what is answered 400 (a file that is no WAV file), 401 (no session), 404 (a prompt without an address), 409 (a refusal
    // that is tested) and 426.
    if (message.type() === 'error' && !/\b(400|401|404|409|426)\b/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(server.signInLink.replace(server.console, console_.origin));
  await page.waitForURL(`${console_.origin}/`);
});

after(async () => {
  await browser?.close();
  console_?.close();
  await server?.stop();
});

test('a number that is offered is claimed, led to a flow, and answers a call; releasing it needs its last digits', async () => {
  await go('/instances/demo/phone-numbers');
  await region('Claimed numbers').getByText('→').waitFor();
  assert.match(await region('Claimed numbers').locator('tbody tr').first().innerText(), /\+1 800 555-0100 → Sample/);
  await button('Claim a number').click();
  await button('Look').click();
  await button('+1 800 555-0105').click();
  await page.getByLabel('Flow').selectOption({ label: 'Sample' });
  await page.getByLabel('Description').fill('After hours');
  assert.match(await code(), /aws connect claim-phone-number \\\n {4}--instance-id [\da-f-]+ \\\n {4}--phone-number \+18005550105/);
  await button('Claim').click();
  const row = region('Claimed numbers').locator('tbody tr').filter({ hasText: '+1 800 555-0105' });
  await row.getByText('After hours').waitFor();
  await row.getByRole('link', { name: 'Sample' }).waitFor();
  const call = server.call('+12065550177', { seconds: 20 });
  await until('the call is there', async () => (await server.api('tympan', 'GET', '/tympan/contacts')).Contacts.length > 0);
  await call.hangUp();

  await button('+1 800 555-0105').click();
  await page.getByLabel('Flow').selectOption('');
  await button('Save').click();
  await row.getByText('no flow: calls to it are refused').waitFor();
  await button('Release +1 800 555-0105').click();
  await confirm('Release', '0105');
  await row.waitFor({ state: 'detached' });
  const { ListPhoneNumbersSummaryList } = await connect('POST', '/phone-number/list', { InstanceId: id });
  assert.deepEqual(ListPhoneNumbersSummaryList.map((one) => one.PhoneNumber), ['+18005550100']);
});

test('what the page shows as code is what it would send: operation and members', async () => {
  await go('/instances/demo/queues');
  await button('BasicQueue').click();
  await page.getByLabel('Most contacts').fill('3');
  const queue = new URL(page.url()).searchParams.get('id');
  assert.match(await code(), new RegExp(`aws connect update-queue-max-contacts \\\\\\n {4}--instance-id ${id} \\\\\\n {4}--queue-id ${queue} \\\\\\n {4}--max-contacts 3\\n`));
  await button('boto3').click();
  assert.match(await code(), new RegExp(`connect\\.update_queue_max_contacts\\(\\n {4}InstanceId="${id}",\\n {4}QueueId="${queue}",\\n {4}MaxContacts=3,\\n\\)`));
});

test('hours with a week and a queue with them are made, changed, disabled and deleted', async () => {
  await go('/instances/demo/queues?tab=hours');
  await button('Create hours').click();
  const hours = form('Create hours of operation');
  await hours.getByLabel('Name').fill('Office');
  await hours.getByLabel('Time zone').fill('Nowhere');
  await hours.getByText('A name of the IANA database').waitFor();
  await hours.getByLabel('Time zone').fill('Europe/Berlin');
  await hours.getByLabel('Friday, closes').fill('15:30');
  await hours.getByRole('img', { name: 'Open: Monday to Thursday 09:00 to 17:00, Friday 09:00 to 15:30' }).waitFor();
  await button('Add a time on Saturday').click();
  await hours.getByLabel('Saturday, opens').fill('22:00');
  await hours.getByLabel('Saturday, closes').fill('02:00');
  await hours.getByRole('button', { name: 'Create' }).click();
  await region('Hours of operation').getByText('Monday to Thursday 09:00 to 17:00, Friday 09:00 to 15:30, Saturday 22:00 to 02:00').waitFor();
  const { HoursOfOperations } = await connect('POST', '/search-hours-of-operations', { InstanceId: id });
  const office = HoursOfOperations.find((one) => one.Name === 'Office');
  assert.equal(office.TimeZone, 'Europe/Berlin');
  assert.deepEqual(office.Config.at(-1), { Day: 'SATURDAY', StartTime: { Hours: 22, Minutes: 0 }, EndTime: { Hours: 2, Minutes: 0 } });

  await page.getByRole('link', { name: 'Queues', exact: true }).click();
  await button('Create a queue').click();
  const queue = form('Create a queue');
  await queue.getByLabel('Name', { exact: true }).fill('Sales');
  await queue.getByLabel('Hours of operation').selectOption({ label: 'Office' });
  await queue.getByLabel('Most contacts').fill('5');
  await queue.getByLabel('Outbound caller ID number').selectOption({ label: '+1 800 555-0100' });
  await queue.getByRole('button', { name: 'Create' }).click();
  const row = region('Queues').locator('tbody tr').filter({ hasText: 'Sales' });
  assert.match((await row.innerText()).replace(/\s+/g, ' '), /Sales Enabled Office 5 \+1 800 555-0100/);
  await button('Sales').click();
  await button('Disable').click();
  await row.getByText('Disabled').waitFor();
  await button('Enable').click();
  await row.getByText('Enabled').waitFor();

  // Hours that a queue has are not deleted: the reason of the server is shown.
  await row.getByRole('link', { name: 'Office' }).click();
  await form('Office').getByRole('button', { name: 'Delete' }).click();
  await dialog().getByRole('textbox').fill('Office');
  await dialog().getByRole('button', { name: 'Delete for good' }).click();
  await dialog().getByText('"Sales"').waitFor();
  await dialog().getByRole('button', { name: 'Keep' }).click();
  await go('/instances/demo/queues');
  await button('Sales').click();
  await form('Sales').getByRole('button', { name: 'Delete' }).click();
  await confirm('Delete for good', 'Sales');
  await row.waitFor({ state: 'detached' });
});

test('hours have overrides: made, seen on the days to come, changed and deleted', async () => {
  const { HoursOfOperations } = await connect('POST', '/search-hours-of-operations', { InstanceId: id });
  const { HoursOfOperationId, Name, TimeZone } = HoursOfOperations[0];
  const overrides = async () => (await connect('GET', `/hours-of-operations/${id}/${HoursOfOperationId}/overrides`)).HoursOfOperationOverrideList;
  await go('/instances/demo/queues?tab=hours');
  await button(Name).click();
  const list = region(`Overrides of ${Name}`);
  await list.getByText('The week holds on every date.').waitFor();
  const days = region('Open on the days to come');
  assert.equal(await days.locator('tbody tr').count(), 14);
  await button('Create an override').click();
  const override = form('Create an override');
  await override.getByLabel('Name').fill('Holiday');
  await override.getByRole('button', { name: 'Create' }).click();
  await list.getByText('Closed all day').waitFor();
  const today = days.locator('tbody tr').first();
  await today.getByText('Holiday').waitFor();
  assert.match((await today.innerText()).replace(/\s+/g, ' '), /today closed Holiday/);

  await button('Holiday').click();
  const changed = form('Holiday');
  await changed.getByLabel('On its dates').selectOption('CLOSED');
  await changed.getByLabel('When').selectOption('times');
  await changed.getByText('Add a time.').waitFor();
  await changed.getByRole('button', { name: 'Add a time' }).click();
  await changed.getByLabel('Time 1 begins').fill('12:00');
  await changed.getByLabel('Time 1 ends').fill('13:00');
  await changed.getByLabel('Comes again').selectOption('WEEKLY');
  assert.match(await code(), /aws connect update-hours-of-operation-override/);
  await changed.getByRole('button', { name: 'Save' }).click();
  await list.getByText('Closed 12:00 to 13:00').waitFor();
  await list.getByText('every week').waitFor();
  const [kept] = await overrides();
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: TimeZone, dateStyle: 'short' }).format(Date.now());
  assert.deepEqual([kept.OverrideType, kept.EffectiveFrom, kept.Config], ['CLOSED', day, [{ StartTime: { Hours: 12, Minutes: 0 }, EndTime: { Hours: 13, Minutes: 0 } }]]);

  await button('Holiday').click();
  await form('Holiday').getByRole('button', { name: 'Delete' }).click();
  await confirm('Delete for good', 'Holiday');
  await list.getByText('The week holds on every date.').waitFor();
  assert.deepEqual(await overrides(), []);
});

test('a routing profile, a security profile, an agent status and a user are made, changed and deleted', async () => {
  await go('/instances/demo/users?tab=routing-profiles');
  await button('Create a routing profile').click();
  const profile = form('Create a routing profile');
  await profile.getByLabel('Name', { exact: true }).fill('Night shift');
  await profile.getByLabel('Description').fill('Calls at night');
  await profile.getByLabel('Add a queue').selectOption({ label: 'BasicQueue' });
  await profile.getByLabel('Priority of BasicQueue').fill('2');
  await profile.getByRole('button', { name: 'Create' }).click();
  await region('Routing profiles').getByText('Calls at night').waitFor();
  const { RoutingProfiles } = await connect('POST', '/search-routing-profiles', { InstanceId: id });
  const night = RoutingProfiles.find((one) => one.Name === 'Night shift').RoutingProfileId;
  const queues = async () => (await connect('GET', `/routing-profiles/${id}/${night}/queues`)).RoutingProfileQueueConfigSummaryList;
  assert.equal((await queues())[0].Priority, 2);
  await button('Night shift').click();
  await button('Remove BasicQueue').click();
  await button('Save').click();
  await until('the profile has no queue', async () => (await queues()).length === 0);

  await page.getByRole('link', { name: 'Security profiles' }).click();
  await button('Create a security profile').click();
  await page.getByLabel('Name', { exact: true }).fill('Wallboard');
  await page.getByLabel('Permissions').fill('BasicAgentAccess\nOutboundCallAccess');
  await button('Create').click();
  await button('Wallboard').click();
  await until('its permissions are read', async () => (await page.getByLabel('Permissions').inputValue()) === 'BasicAgentAccess\nOutboundCallAccess');

  await page.getByRole('link', { name: 'Agent statuses' }).click();
  await button('Create an agent status').click();
  await page.getByLabel('Name', { exact: true }).fill('Lunch');
  await button('Create').click();
  await button('Lunch').click();
  await page.getByLabel('State').selectOption('DISABLED');
  await button('Save').click();
  await region('Agent statuses').locator('tbody tr').filter({ hasText: 'Lunch' }).getByText('Disabled').waitFor();

  await page.getByRole('link', { name: 'Users', exact: true }).last().click();
  await button('Create a user').click();
  const user = form('Create a user');
  await user.getByLabel('User name').fill('anna');
  await user.getByLabel('First name').fill('Anna');
  await user.getByLabel('Routing profile').selectOption({ label: 'Night shift' });
  assert.match(await user.locator('pre').innerText(), /\[\[sip\.phones\]\]\nuser = "anna"\n.*\nagent = "anna"\ninstance = "demo"/);
  await user.getByRole('button', { name: 'Create' }).click();
  const row = region('Users').locator('tbody tr').filter({ hasText: 'anna' });
  assert.match((await row.innerText()).replace(/\s+/g, ' '), /anna Anna not logged in registers Night shift Agent/);
  await button('anna').click();
  await page.getByLabel('Telephone', { exact: true }).selectOption('DESK_PHONE');
  await page.getByText('A desk phone has a number in E.164').waitFor();
  await page.getByLabel('Desk phone number').fill('+12065550188');
  await page.getByLabel('After-contact work limit').fill('30');
  await page.getByLabel('CallCenterManager').check();
  await page.getByText('2 changes').waitFor();
  await button('Save').click();
  await row.getByText('+1 206 555-0188').waitFor();
  const { Users } = await connect('POST', '/search-users', { InstanceId: id });
  const kept = (await connect('GET', `/users/${id}/${Users[0].Id}`)).User;
  assert.equal(kept.PhoneConfig.AfterContactWorkTimeLimit, 30);
  assert.equal(kept.SecurityProfileIds.length, 2);
  await button('anna').click();
  await form('anna').getByRole('button', { name: 'Delete' }).click();
  await confirm('Delete for good', 'anna');
  await page.getByText('There is no user.').waitFor();
});

/** A WAV file of so many samples at 8 kHz. */
function wavOf(samples, value) {
  const file = Buffer.alloc(44 + 2 * samples);
  file.write('RIFF');
  file.writeUInt32LE(36 + 2 * samples, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  [1, 1].forEach((number, at) => file.writeUInt16LE(number, 20 + 2 * at));
  [8000, 16000].forEach((number, at) => file.writeUInt32LE(number, 24 + 4 * at));
  [2, 16].forEach((number, at) => file.writeUInt16LE(number, 32 + 2 * at));
  file.write('data', 36);
  file.writeUInt32LE(2 * samples, 40);
  for (let at = 0; at < samples; at++) file.writeInt16LE(value, 44 + 2 * at);
  return file;
}

test('prompts are played, uploaded, given another sound and an address, saved and deleted', async () => {
  await page.addInitScript(() => {
    window.heard = [];
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (...when) {
      const middle = this.buffer.getChannelData(0)[this.buffer.length >> 1];
      window.heard.push({ seconds: this.buffer.duration, middle });
      return start.apply(this, when);
    };
  });
  const heard = async (count) => {
    await page.waitForFunction((count) => window.heard.length === count, count);
    return page.evaluate(() => window.heard.at(-1));
  };
  const saved = async (name) => {
    const [file] = await Promise.all([page.waitForEvent('download'), button(`Download ${name}`).click()]);
    return [file.suggestedFilename(), await readFile(await file.path())];
  };
  await go('/instances/demo/prompts');
  await button('Play Beep.wav').click();
  assert.ok(Math.abs((await heard(1)).seconds - 0.35) < 0.001, 'the beep of the program has 350 ms');
  assert.equal((await saved('Beep.wav'))[1].length, 44 + 2 * 2800);

  await button('Create a prompt').click();
  await page.getByLabel('Name', { exact: true }).fill('Welcome.wav');
  await page.getByLabel('WAV file').setInputFiles({ name: 'long.wav', mimeType: 'audio/wav', buffer: Buffer.alloc(17 << 20) });
  await page.getByText('and the server takes 16').waitFor();
  await page.getByLabel('WAV file').setInputFiles({ name: 'song.mp3', mimeType: 'audio/mpeg', buffer: Buffer.from('ID3 and so on') });
  await button('Create').click();
  await form('Create a prompt').getByText('not a WAV file').waitFor();
  await page.getByLabel('WAV file').setInputFiles({ name: 'my welcome.wav', mimeType: 'audio/wav', buffer: wavOf(80_000, 8192) });
  assert.match(await code(), /--data-binary @'my welcome.wav' \\\n {4}"\$AWS_ENDPOINT_URL"'\/tympan\/instances\/[-\da-f]+\/prompts\?name=Welcome.wav'/);
  await button('Create').click();
  await button('Play Welcome.wav').click();
  const first = await heard(2);
  assert.ok(Math.abs(first.seconds - 10) < 0.001 && Math.abs(first.middle - 0.25) < 0.01, JSON.stringify(first));
  await button('Stop Welcome.wav').click();
  await button('Play Welcome.wav').waitFor();
  assert.deepEqual(await saved('Welcome.wav'), ['Welcome.wav', wavOf(80_000, 8192)]);

  await button('Welcome.wav').click();
  await page.getByLabel('A file').check();
  await page.getByLabel('WAV file').setInputFiles({ name: 'b.wav', mimeType: 'audio/wav', buffer: wavOf(800, -8192) });
  await button('Save').click();
  await form('Welcome.wav').waitFor({ state: 'detached' });
  assert.deepEqual((await saved('Welcome.wav'))[1], wavOf(800, -8192));

  await button('Welcome.wav').click();
  await page.getByLabel('An address').check();
  await page.getByLabel('Address of the sound').fill('ftp://x');
  await page.getByText('An address begins with s3://BUCKET/').waitFor();
  await page.getByLabel('Address of the sound').fill('s3://prompts/welcome.wav');
  await button('Save').click();
  await form('Welcome.wav').waitFor({ state: 'detached' });
  await button('Play Welcome.wav').click();
  await region('Not played').getByText('speech.s3_endpoint is not set').waitFor();

  await button('Welcome.wav').click();
  await page.getByText('https://s3.us-west-2.amazonaws.com/prompts/welcome.wav').waitFor();
  await form('Welcome.wav').getByRole('button', { name: 'Delete' }).click();
  await confirm('Delete for good', 'Welcome.wav');
  await button('Welcome.wav').waitFor({ state: 'detached' });
});

test('functions and bots are associated and disassociated, and the mapping of a function is filled in', async () => {
  const arn = 'arn:aws:lambda:us-west-2:111122223333:function:orders';
  await go('/instances/demo/functions');
  await button('Associate a function').click();
  const asked = form('Associate a function');
  await asked.getByLabel('Function ARN').fill(arn);
  assert.ok((await asked.locator('pre').innerText()).startsWith(`[[lambda.functions]]\narn = "${arn}"`));
  await asked.getByRole('button', { name: 'Associate' }).click();
  await region('Lambda functions').getByText(arn).first().waitFor();
  await button('Associate a bot').click();
  await form('Associate a bot').getByLabel('ARN of the alias').fill('arn:aws:lex:us-west-2:111122223333:bot-alias/ORDERSBOT1/TSTALIASID');
  await form('Associate a bot').getByRole('button', { name: 'Associate' }).click();
  await region('Lex bots').getByText('Lex V2', { exact: true }).waitFor();
  await button(`Disassociate ${arn}`).click();
  await dialog().getByRole('button', { name: 'Disassociate' }).click();
  await button(`Disassociate ${arn}`).waitFor({ state: 'detached' });
  assert.ok(!(await connect('GET', `/instance/${id}/lambda-functions`)).LambdaFunctions.includes(arn));
  assert.equal((await connect('GET', `/instance/${id}/bots?lexVersion=V2`)).LexBots.length, 1);
});

test('records and agent events have their sections, and the Save at the foot saves all that are open', async () => {
  await go('/instances/demo/data-storage');
  const stream = (name) => `arn:aws:kinesis:us-west-2:111122223333:stream/${name}`;
  for (const [name, type] of [['Contact records', 'records'], ['Agent events', 'agents']]) {
    const section = region(name);
    await section.getByRole('button', { name: `Change ${name.toLowerCase()}` }).click();
    await section.getByLabel(`Enable ${name.toLowerCase()}`).check();
    await section.getByLabel('Data stream').fill('nothing');
    await section.getByText('The ARN of a data stream').waitFor();
    assert.ok(await button('Save all open sections').isDisabled());
    await section.getByLabel('Data stream').fill(stream(type));
  }
  await button('Save all open sections').click();
  await region('Contact records').getByText('to records').waitFor();
  await region('Agent events').getByText('to agents').waitFor();
  await button('Save all open sections').click();
  await page.getByText(/Nothing left to save\. Agent events was saved at/).waitFor();
  const kept = async (type) => (await connect('GET', `/instance/${id}/storage-configs?resourceType=${type}`)).StorageConfigs;
  assert.equal((await kept('CONTACT_TRACE_RECORDS'))[0].KinesisStreamConfig.StreamArn, stream('records'));
  await button('Change agent events').click();
  await region('Agent events').getByLabel('Enable agent events').uncheck();
  await region('Agent events').getByRole('button', { name: 'Save agent events' }).click();
  await region('Agent events').getByText('Off', { exact: true }).waitFor();
  assert.deepEqual(await kept('AGENT_EVENTS'), []);
});

test('an instance is made, its attributes are set, and it is deleted by its alias', async () => {
  await go('/instances');
  await button('Create an instance').click();
  await page.getByLabel('Instance alias').fill('d-no');
  await page.getByText('Letters, digits and hyphens').waitFor();
  await page.getByLabel('Instance alias').fill('night-desk');
  await button('Create').click();
  await form('night-desk').getByLabel('Outbound calls').uncheck();
  const made = await until('it is off', async () => (await connect('GET', '/instance')).InstanceSummaryList.find((one) => one.InstanceAlias === 'night-desk' && !one.OutboundCallsEnabled));
  await form('night-desk').getByLabel('Early media').uncheck();
  await until('the attribute is kept', async () => (await connect('GET', `/instance/${made.Id}/attribute/EARLY_MEDIA`)).Attribute.Value === 'false');
  await form('night-desk').getByRole('button', { name: 'Delete' }).click();
  await confirm('Delete for good', 'night-desk');
  await until('it is gone', async () => (await connect('GET', '/instance')).InstanceSummaryList.length === 1);
  await page.getByRole('link', { name: 'night-desk', exact: true }).waitFor({ state: 'detached' });
  await button('Settings of demo').click();
  await form('demo').getByRole('link', { name: 'Queues and hours' }).click();
  await page.waitForURL('**/instances/demo/queues');
});

const WAITING = (queue) => ({
  Version: '2019-10-30', StartAction: 'start', Metadata: {},
  Actions: [
    { Identifier: 'start', Type: 'UpdateContactMediaStreamingBehavior', Parameters: { MediaStreamingState: 'Enabled', Participants: [{ ParticipantType: 'Customer', MediaDirections: ['From'] }], MediaStreamType: 'Audio' }, Transitions: { NextAction: 'set', Errors: [{ NextAction: 'set', ErrorType: 'NoMatchingError' }], Conditions: [] } },
    { Identifier: 'set', Type: 'UpdateContactTargetQueue', Parameters: { QueueId: queue }, Transitions: { NextAction: 'go', Errors: [{ NextAction: 'bye', ErrorType: 'NoMatchingError' }], Conditions: [] } },
    { Identifier: 'go', Type: 'TransferContactToQueue', Parameters: {}, Transitions: { NextAction: 'bye', Errors: [{ NextAction: 'bye', ErrorType: 'QueueAtCapacity' }, { NextAction: 'bye', ErrorType: 'NoMatchingError' }], Conditions: [] } },
    { Identifier: 'bye', Type: 'DisconnectParticipant', Parameters: {}, Transitions: {} },
  ],
});

test('the wallboard counts a caller who waits and then gives up, and rows stay where the pointer is', async () => {
  const { QueueSummaryList } = await connect('GET', `/queues-summary/${id}?queueTypes=STANDARD`);
  await connect('POST', `/contact-flows/${id}/${server.flow.Id}/content`, { Content: JSON.stringify(WAITING(QueueSummaryList[0].Arn)) });
  await go('/wallboard');
  const queue = region('Queues').locator('tbody tr').filter({ hasText: 'BasicQueue' });
  const cells = async () => (await queue.locator('td').allInnerTexts()).map((text) => text.trim());
  const call = server.call('+12065550142', { seconds: 60 });
  await until('one waits', async () => (await cells())[1] === '1');
  await until('it waits longer', async () => /^0:0[2-9]/.test((await cells())[2]));
  const calls = region('Live calls');
  await calls.getByText('Waits in BasicQueue').waitFor();
  assert.match(await calls.getByRole('link', { name: 'Listen to +1 206 555-0142' }).getAttribute('href'), /^\/contacts\/[\da-f-]+\?listen=1$/);
  assert.equal(await calls.getByRole('button', { name: /Monitor/ }).count(), 0);
  await calls.getByText('Waits in BasicQueue').hover();
  const second = server.call('+13605550177', { seconds: 60 });
  await calls.getByText('1 call more: shown when the pointer leaves the table.').waitFor();
  assert.equal(await calls.locator('tbody tr').count(), 1);
  await page.mouse.move(5, 5);
  await until('both are there', async () => (await calls.locator('tbody tr').count()) === 2);
  await call.hangUp();
  await second.hangUp();
  await until('none waits', async () => (await cells())[1] === '0');
  await go('/wallboard');
  await until('two gave up', async () => (await cells())[7] === '2', 20);
  assert.deepEqual((await cells()).slice(5, 7), ['2', '0']);
});

test('a supervisor is called by the operation that the page shows, and a refusal is shown', async () => {
  const { RoutingProfileSummaryList } = await connect('GET', `/routing-profiles-summary/${id}`);
  const { SecurityProfileSummaryList } = await connect('GET', `/security-profiles-summary/${id}`);
  const { UserId } = await connect('PUT', `/users/${id}`, { Username: 'lead', PhoneConfig: { PhoneType: 'SOFT_PHONE' }, RoutingProfileId: RoutingProfileSummaryList[0].Id, SecurityProfileIds: [SecurityProfileSummaryList[0].Id] });
  const call = server.call('+12065550142', { seconds: 60 });
  // An agent's part is put into the answers of the server: no telephone of an agent is here.
  const withAgent = (contact) => ({ ...contact, Agent: { ARN: `${server.instance.Arn}/agent/x`, Username: 'anna', ConnectedToAgentTimestamp: contact.InitiationTimestamp, NumberOfHolds: 0 } });
  await page.route('**/contacts/search', async (route) => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({ json: { ...answer, Contacts: answer.Contacts.map((one) => (one.DisconnectTimestamp ? one : withAgent(one))) } });
  });
  await until('the call is live', async () => (await server.api('tympan', 'GET', '/tympan/contacts')).Contacts.some((one) => !one.DisconnectTimestamp));
  await go('/wallboard');
  await button('Monitor +1 206 555-0142').click();
  const monitor = form('Monitor +1 206 555-0142');
  await monitor.getByLabel('Supervisor', { exact: true }).selectOption({ label: 'lead' });
  await monitor.getByLabel(/May barge in/).check();
  assert.match(await code(), new RegExp(`aws connect monitor-contact \\\\\\n[^#]*--user-id ${UserId} \\\\\\n {4}--allowed-monitor-capabilities SILENT_MONITOR BARGE`));
  await monitor.getByRole('button', { name: 'Call the supervisor' }).click();
  await monitor.getByText('no other agent is connected with contact').waitFor();
  await page.unroute('**/contacts/search');
  await call.hangUp();
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 400/.test(text)));
});

test('columns are chosen in the address, and a view is saved without the number', async () => {
  await go('/contacts?state=ended#n=2065550142');
  await page.locator('tbody tr').first().waitFor();
  await button('Columns').click();
  await page.getByLabel('Contact id').check();
  await page.getByLabel('Shape').uncheck();
  await page.waitForURL('**/contacts?state=ended&cols=*#n=2065550142');
  const heads = () => page.locator('thead th').allInnerTexts();
  assert.ok((await heads()).includes('Contact id') && !(await heads()).includes('Shape'), String(await heads()));
  await page.keyboard.press('Escape');
  await button('Save this view').click();
  await page.getByLabel('Name of the view').fill('Given up');
  await page.keyboard.press('Enter');
  await page.getByText('View Given up saved without the number and the attribute.').waitFor();
  assert.ok(!(await page.evaluate(() => JSON.stringify(localStorage))).includes('2065550142'));
  await go('/contacts');
  assert.ok(!(await heads()).includes('Contact id'));
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Given up' }).click();
  await page.waitForURL('**/contacts?state=ended&cols=*');
  await page.locator('thead th').filter({ hasText: 'Contact id' }).waitFor();
  await button('Forget this view').click();
  assert.equal(await page.getByRole('link', { name: 'Given up' }).count(), 0);
});

test('axe finds nothing on these pages with their forms open, wide and light, narrow and dark; no page is wider than its window', async () => {
  const of = (path) => `/instances/demo/${path}`;
  const { HoursOfOperations: [hours] } = await connect('POST', '/search-hours-of-operations', { InstanceId: id });
  const addresses = [
    '/wallboard', '/instances?create=new', '/instances?alias=demo', of('phone-numbers?id=new'), of('queues?id=new'), of('queues?tab=hours&id=new'), of(`queues?tab=hours&id=${hours.HoursOfOperationId}&override=new`), of('users?id=new'), of('users?tab=routing-profiles&id=new'),
    of('users?tab=security-profiles&id=new'), of('users?tab=agent-statuses&id=new'), of('prompts?id=new'), of('functions?add=function'), of('functions?add=bot'), of('data-storage'),
    '/contacts?cols=state,customer,number,method,id,a.x',
  ];
  const found = [];
  // Colours are those of the scheme at any width, and places those of the width in any scheme.
  for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    for (const address of addresses) {
      await go(address);
      await page.waitForLoadState('networkidle', { timeout: 900 }).catch(() => undefined);
      if (address.endsWith('data-storage')) {
        await button('Change call recordings').click();
        await page.getByLabel('Enable call recordings').check();
      }
      if (address.startsWith('/contacts')) await button('Columns').click();
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      found.push(...violations.map(({ id: rule, nodes }) => `${address} ${width} ${colorScheme}: ${rule}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).slice(0, 3).join(' | ')}`));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) found.push(`${address}: ${wide} px at ${width}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.equal(found.join('\n'), '');
  await go('/instances/demo/phone-numbers');
  await button('Release +1 800 555-0100').click();
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map(({ id: rule }) => rule), []);
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
});

test('the browser had nothing to complain about: no script failed, and the policy blocked nothing', () => {
  assert.deepEqual(complaints, []);
});
