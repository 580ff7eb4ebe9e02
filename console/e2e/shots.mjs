// Screenshots of pages of this folder's dist, at two widths in both schemes, for looking at: node e2e/shots.mjs /contacts name ...
// TYMPAN_CONSOLE names the console of a running `tympan serve --dev`.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { serve } from '../dev/serve.mjs';
import { openBrowser } from './browser.mjs';

const folder = fileURLToPath(new URL('screenshots/', import.meta.url));
const wanted = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const served = await serve({ console: process.env.TYMPAN_CONSOLE ?? 'http://127.0.0.1:8601' });
const { context, close } = await openBrowser();
try {
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && console.log(message.type(), message.text()));
  page.on('pageerror', (error) => console.log('page error', error.message));
  await page.goto(`${served.origin}/sign-in`);
  await page.fill('#key-id', process.env.KEY_ID ?? 'TYMPANDEV');
  await page.fill('#secret', process.env.SECRET ?? 'tympandevsecret');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${served.origin}/`);
  for (let at = 0; at + 1 < wanted.length; at += 2) {
    for (const width of (process.env.WIDTHS ?? '1440,390').split(',').map(Number)) {
      for (const scheme of (process.env.SCHEMES ?? 'light,dark').split(',')) {
        await page.setViewportSize({ width, height: width < 700 ? 844 : 900 });
        await page.emulateMedia({ colorScheme: scheme });
        await page.goto(served.origin + wanted[at]);
        await page.waitForTimeout(Number(process.env.WAIT ?? 1500));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > width) console.log(`${wanted[at]} at ${width}: ${wide} px wide`);
        await page.screenshot({ path: `${folder}${wanted[at + 1]}-${width}-${scheme}.png`, fullPage: true });
      }
    }
  }
} finally {
  await close();
  served.close();
}
