// Debian's Chromium under Playwright, with a fresh profile.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-dev-shm-usage',
];
/** The time is for a machine that does much else: where nothing is wrong, it is not used. */
const PATIENCE_MS = 30_000;

/** Where pictures of tests that failed are kept. */
export const FAILURES = process.env.CONSOLE_FAILURES ?? fileURLToPath(new URL('../../target/console-failures/', import.meta.url));

const open = new Set();

/** Opens a browser with a profile of its own. `complaints` is what it has to say of scripts and of the content security policy. */
export async function openBrowser({ width = 1440, height = 900, colorScheme = 'light', reducedMotion = 'no-preference', scale = 1 } = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'tympan-console-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
    viewport: { width, height },
    deviceScaleFactor: scale,
    colorScheme,
    reducedMotion,
    timezoneId: 'America/Los_Angeles',
    locale: 'en-US',
    acceptDownloads: true,
    timeout: 120_000,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const complaints = [];
  const heed = (page) => {
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // The browser logs each answer of 400 and more: those are the pages' to show.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource:')) complaints.push(message.text());
    });
  };
  context.pages().forEach(heed);
  context.on('page', heed);
  open.add(context);
  const close = async () => {
    open.delete(context);
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, page: context.pages()[0], complaints, close };
}

/** Signs in by the form, as a person does. */
export async function signIn(page, server, keys = server.keys) {
  await page.goto(`${server.console}/sign-in`);
  await page.fill('#key-id', keys.accessKeyId);
  await page.fill('#secret', keys.secretAccessKey);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${server.console}/`);
}

/** What a test that failed leaves behind: a picture of each page that is open. */
async function keepPictures(context) {
  if (context.passed) return;
  await mkdir(FAILURES, { recursive: true });
  const name = context.name.replace(/\W+/g, '-').slice(0, 80);
  let number = 0;
  for (const page of [...open].flatMap((one) => one.pages())) {
    const path = join(FAILURES, `${name}-${++number}.png`);
    await page.screenshot({ path, timeout: 20_000 }).then(
      () => context.diagnostic(`${page.url().replace(/[?#].*/, '')}: ${path}`),
      (error) => context.diagnostic(`no picture of ${page.url()}: ${error.message}`),
    );
  }
}
// Screenshots for the documentation import this file without tests.
if (process.env.NODE_TEST_CONTEXT) afterEach(keepPictures);
