// The walk of the administrator guide through the settings, in its own words, and the calls that it is for: npm run e2e -- walk
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { startServer, until } from './server.mjs';

let server, browser, page;

before(async () => {
  server = await startServer();
  browser = await openBrowser();
  page = browser.page;
  await page.goto(server.signInLink);
  await page.waitForURL(`${server.console}/`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const contactOf = (number) =>
  until(`a captured contact of ${number}`, async () => (await server.contacts()).find((one) => one.CustomerEndpoint?.Address === number && one.Recordings));

test('the walk of the administrator guide, in its words, and then a call', async () => {
  await page.goto(`${server.console}/instances`);
  await page.getByRole('columnheader', { name: 'Instance Alias' }).waitFor();
  await page.getByRole('cell', { name: 'demo', exact: true }).getByRole('link').click();
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Data storage' }).click();
  const section = page.getByRole('region', { name: 'Live media streaming' });
  await section.getByRole('button', { name: 'Edit' }).click();
  await section.getByLabel('Enable live media streaming').check();
  await section.getByLabel('Prefix').fill('no good');
  await section.getByText('A prefix has letters, digits').waitFor();
  assert.ok(await section.getByRole('button', { name: 'Save' }).isDisabled());
  await section.getByLabel('Prefix').fill('harbour');
  await section.getByLabel('KMS master key').selectOption('alias/aws/kinesisvideo');
  await section.getByLabel('No data retention').check();
  await section.getByText('Data is not retained and can be used only for immediate consumption.').waitFor();
  await section.getByLabel('Keep for').check();
  await section.getByLabel('Number').fill('7');
  await section.getByLabel('Unit').selectOption('days');
  await section.getByText('2 changes: prefix, retention.').waitFor();
  await section.getByRole('button', { name: 'Save' }).click();
  await section.getByRole('button', { name: 'Edit' }).waitFor();
  await page.getByRole('button', { name: 'Save all open sections' }).click();
  await page.getByText(/Nothing left to save\. Live media streaming was saved at/).waitFor();
  const { StorageConfigs } = await server.api('connect', 'GET', `/instance/${server.instance.Id}/storage-configs?resourceType=MEDIA_STREAMS`);
  assert.deepEqual(StorageConfigs[0].KinesisVideoStreamConfig, {
    Prefix: 'harbour-connect-demo-contact-', RetentionPeriodHours: 168, EncryptionConfig: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesisvideo' },
  });
  const call = server.call('+14255550110');
  const contact = await contactOf('+14255550110');
  const arn = contact.Recordings[0].Location;
  assert.match(arn, /:stream\/harbour-connect-demo-contact-/);
  const { StreamInfo } = await server.api('kinesisvideo', 'POST', '/describeStream', { StreamARN: arn });
  assert.equal(StreamInfo.DataRetentionInHours, 168);
  assert.match(StreamInfo.KmsKeyId, /aws\/kinesisvideo/);
  const always = { FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: { StartTimestamp: 0, EndTimestamp: 4_000_000_000 } };
  await until('its sound is stored', async () => (await server.api('kinesisvideo', 'POST', '/listFragments', { StreamARN: arn, FragmentSelector: always })).Fragments.length >= 3);
  await page.goto(`${server.console}/streams`);
  await page.getByRole('link', { name: StreamInfo.StreamName.slice(-12) }).or(page.getByText(StreamInfo.StreamName)).first().waitFor();
  await call.hangUp();
});

test('once live media streaming is disabled, a call is not captured', async () => {
  await page.goto(`${server.console}/instances/demo/data-storage`);
  const section = page.getByRole('region', { name: 'Live media streaming' });
  await section.getByRole('button', { name: 'Edit' }).click();
  await section.getByLabel('Enable live media streaming').uncheck();
  await section.getByRole('button', { name: 'Save' }).click();
  await section.getByRole('button', { name: 'Edit' }).waitFor();
  const call = server.call('+14255550111');
  const contact = await until('it has ended', async () => (await server.contacts()).find((one) => one.CustomerEndpoint?.Address === '+14255550111' && one.DisconnectTimestamp));
  assert.equal(contact.Recordings, null);
  await call.ended;
  await section.getByRole('button', { name: 'Edit' }).click();
  await section.getByLabel('Enable live media streaming').check();
  await section.getByLabel('Prefix').fill('again');
  await section.getByLabel('Keep for').check();
  await section.getByRole('button', { name: 'Save' }).click();
  await section.getByRole('button', { name: 'Edit' }).waitFor();
});

test('the waveform of a live call grows, from the right edge of the sound that was there', async () => {
  const call = server.call('+14255550112');
  const { ContactId } = await contactOf('+14255550112');
  await page.goto(`${server.console}/contacts/${ContactId}`);
  const length = async () => {
    const label = await page.locator('[role=img][aria-label^="Customer audio"]').getAttribute('aria-label');
    const [, minutes, seconds] = /(\d+):(\d\d)/.exec(label) ?? [];
    return minutes === undefined ? undefined : Number(minutes) * 60 + Number(seconds);
  };
  /** How many columns of the lane have ink. */
  const inked = () =>
    page.evaluate(() => {
      const canvas = document.querySelector('.from canvas');
      const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let columns = 0;
      for (let x = 0; x < width; x++) for (let y = 0; y < height; y++) if (data[(y * width + x) * 4 + 3] > 0) { columns++; break; }
      return columns;
    });
  const begun = await until('it has a length', length);
  await until('the lane is drawn', async () => (await inked()) > 0);
  await until('it is longer', async () => (await length()) >= begun + 4);
  const waveform = await server.api('tympan', 'GET', `/tympan/contacts/${ContactId}/waveform?columns=100`);
  assert.ok(waveform.Samples >= begun * 8_000, `${waveform.Samples} samples`);
  assert.ok(waveform.Tracks[0].RmsDbfs.some((level) => level > -40), 'the caller is heard');
  await call.hangUp();
  await page.getByText(/^now \d:\d\d$/).waitFor({ state: 'detached' });
});

test('the browser had nothing to complain about', () => assert.deepEqual(browser.complaints, []));
