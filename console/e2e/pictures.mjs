// The pictures of the documentation, from a real server with real calls: npm run shots -- [NAME ...]
import { spawn } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser, signIn } from './browser.mjs';
import { settled, visit } from './page.mjs';
import { startServer, until } from './server.mjs';

const FOLDER = process.env.PICTURES ?? fileURLToPath(new URL('../../docs/console/', import.meta.url));
const [WIDTH, HEIGHT] = [1440, 900];
/** Enough for the strips and lanes to have a shape. */
const LIVE_SECONDS = Number(process.env.PICTURES_LIVE_SECONDS ?? 55);
const OPEN = 'MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY'.split(',').map((Day) => ({ Day, StartTime: { Hours: 0, Minutes: 0 }, EndTime: { Hours: 23, Minutes: 59 } }));
const SUPPORT = { Version: '2012-10-17', Statement: [{ Sid: 'ReadTheAudio', Effect: 'Allow', Action: ['kinesisvideo:GetMedia', 'kinesisvideo:Describe*', 'kinesisvideo:GetDataEndpoint'], Resource: 'arn:aws:kinesisvideo:*:*:stream/demo-*/*' }] };
const key = (id, user, policies) => `[[credentials]]\naccess_key_id = "${id}"\nsecret_access_key = "a secret of the pictures"\nuser = "${user}"\npolicies = ${JSON.stringify(policies)}\n`;
const CONFIG = `[[policies]]
name = "support-streams"
document = '''${JSON.stringify(SUPPORT)}'''
${key('AKIDTRANSCRIBER', 'transcriber', ['support-streams'])}${key('AKIDSUPERVISOR', 'ops-lead', ['read-only'])}${key('AKIDARCHIVE', 'archive', ['consumer'])}[[roles]]
name = "analyst"
policies = ["consumer"]
assumed_by = ["AKIDSUPERVISOR"]
`;

/** A queue that no agent serves yet, agents, and a number whose callers wait there. */
async function furnish({ api, instance: { Id: id } }) {
  const hours = await api('connect', 'PUT', `/hours-of-operations/${id}`, { Name: 'Always', TimeZone: 'America/Los_Angeles', Config: OPEN });
  const queue = await api('connect', 'PUT', `/queues/${id}`, { Name: 'Parcels', Description: 'What was sent, and where it is', HoursOfOperationId: hours.HoursOfOperationId });
  const profile = await api('connect', 'PUT', `/routing-profiles/${id}`, {
    Name: 'Parcels', Description: 'Calls about parcels', DefaultOutboundQueueId: queue.QueueId, MediaConcurrencies: [{ Channel: 'VOICE', Concurrency: 1 }],
    QueueConfigs: [{ QueueReference: { QueueId: queue.QueueId, Channel: 'VOICE' }, Priority: 1, Delay: 0 }],
  });
  const { SecurityProfileSummaryList } = await api('connect', 'GET', `/security-profiles-summary/${id}`);
  const agent = SecurityProfileSummaryList.find(({ Name }) => Name === 'Agent') ?? SecurityProfileSummaryList[0];
  for (const [Username, FirstName, LastName] of [['agent-07', 'Ada', 'Lindgren'], ['agent-11', 'Ben', 'Okafor'], ['agent-12', 'Mei', 'Tanaka']]) {
    await api('connect', 'PUT', `/users/${id}`, {
      Username, IdentityInfo: { FirstName, LastName }, PhoneConfig: { PhoneType: 'SOFT_PHONE', AfterContactWorkTimeLimit: 30 }, RoutingProfileId: profile.RoutingProfileId, SecurityProfileIds: [agent.Id],
    });
  }
  const content = JSON.parse(await readFile(new URL('flow.json', import.meta.url), 'utf8'));
  const wait = { NextAction: 'hang up', Errors: ['NoMatchingError', 'QueueAtCapacity'].map((ErrorType) => ({ NextAction: 'hang up', ErrorType })), Conditions: [] };
  const kept = content.Actions.filter(({ Identifier }) => ['log', 'start media streaming', 'keep streams', 'goodbye', 'hang up'].includes(Identifier));
  kept.find(({ Identifier }) => Identifier === 'keep streams').Transitions = { NextAction: 'parcels', Errors: [{ NextAction: 'parcels', ErrorType: 'NoMatchingError' }], Conditions: [] };
  kept.push({ Identifier: 'parcels', Type: 'UpdateContactTargetQueue', Parameters: { QueueId: queue.QueueArn }, Transitions: { NextAction: 'wait', Errors: [{ NextAction: 'hang up', ErrorType: 'NoMatchingError' }], Conditions: [] } });
  kept.push({ Identifier: 'wait', Type: 'TransferContactToQueue', Parameters: {}, Transitions: wait });
  const flow = await api('connect', 'PUT', `/contact-flows/${id}`, { Name: 'Parcels', Type: 'CONTACT_FLOW', Content: JSON.stringify({ ...content, Actions: kept }) });
  const number = await api('connect', 'POST', '/phone-number/claim', { PhoneNumber: '+18005550101', InstanceId: id, PhoneNumberDescription: 'Parcels' });
  await api('connect', 'PUT', `/phone-number/${number.PhoneNumberId}/contact-flow`, { InstanceId: id, ContactFlowId: flow.ContactFlowId });
}

/** Calls that have ended, calls that are up, and a program that reads one of them. */
async function place({ call, api, contacts, tympan }) {
  const past = [['+12065550142', '2@6s', 22], ['+13605550177', '1@4s', 16], ['+15035550134', '2@9s', 26], ['+14255550110', '', 12], ['+12065550118', '1@5s', 18], ['+12065550163', '', 8]];
  await Promise.all(past.map(([from, keys, seconds]) => call(from, { keys: keys ? [keys] : [], seconds }).ended));
  const up = [['+12065550142', { keys: ['2@6s'] }], ['+14255550128', { keys: ['1@8s'] }], ['+13605550181', {}], ['+15095550109', { to: '+18005550101' }], ['+12535550190', { to: '+18005550101' }]];
  // One after the other, so that their strips differ.
  for (const [from, options] of up) {
    call(from, { seconds: 900, ...options });
    await until(`${from} is heard`, async () => {
      const own = (await contacts()).find((one) => one.CustomerEndpoint.Address === from && !one.DisconnectTimestamp && one.Recordings);
      return own && (await api('tympan', 'GET', `/tympan/contacts/${own.ContactId}/waveform?columns=10`)).Samples > 5 * 8_000;
    });
  }
  const live = await until('all calls are up', async () => {
    const now = (await contacts()).filter((one) => !one.DisconnectTimestamp && one.Recordings);
    return now.length === up.length && now;
  });
  const shown = live.find((one) => one.CustomerEndpoint.Address === '+12065550142');
  const heard = live.find((one) => one.CustomerEndpoint.Address === '+15095550109');
  void tympan('listen', heard.ContactId, '--format', 'raw', '--output', '/dev/null');
  await until('the calls have a shape', async () => (await api('tympan', 'GET', `/tympan/contacts/${shown.ContactId}/waveform?columns=100`)).Samples > LIVE_SECONDS * 8_000, LIVE_SECONDS + 120);
  return shown;
}

/** At most 256 colours, where Debian's pngquant is there: a third of the bytes. */
async function save(path, picture) {
  const smaller = await new Promise((resolve) => {
    const tool = spawn('pngquant', ['--strip', '--speed', '1', '256', '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const parts = [];
    tool.stdout.on('data', (part) => parts.push(part));
    tool.on('error', () => resolve(undefined));
    tool.on('close', (code) => resolve(code === 0 ? Buffer.concat(parts) : undefined));
    tool.stdin.on('error', () => undefined);
    tool.stdin.end(picture);
  });
  await writeFile(path, smaller ?? picture);
  console.log(`${String((await stat(path)).size).padStart(8)}  ${path}`);
}

const server = await startServer({ config: CONFIG });
const browser = await openBrowser({ width: WIDTH, height: HEIGHT, reducedMotion: 'reduce' });
try {
  await furnish(server);
  const contact = await place(server);
  const alias = server.instance.InstanceAlias;
  const inInstance = (section) => `/instances/${alias}/${section}`;
  const pictures = [
    { name: 'overview', path: '/' },
    { name: 'contact', path: `/contacts/${contact.ContactId}` },
    { name: 'contacts', path: '/contacts?range=1h' },
    {
      name: 'data-storage',
      path: inInstance('data-storage'),
      steps: (page) => page.getByRole('region', { name: 'Live media streaming' }).getByRole('button', { name: 'Edit' }).click(),
    },
    { name: 'flow', path: inInstance(`flows/${server.flow.Id}`), colorScheme: 'dark' },
    { name: 'streams', path: '/streams', colorScheme: 'dark' },
    { name: 'access', path: '/access' },
    { name: 'wallboard', path: '/wallboard' },
  ];
  const wanted = process.argv.slice(2);
  const { page } = browser;
  await signIn(page, server);
  await mkdir(FOLDER, { recursive: true });
  for (const { name, path, steps, colorScheme = 'light' } of pictures) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    await page.emulateMedia({ colorScheme });
    await visit(page, server.console + path);
    await steps?.(page);
    await settled(page);
    await save(join(FOLDER, `${name}.png`), await page.screenshot());
  }
} finally {
  await browser.close();
  await server.stop();
}
