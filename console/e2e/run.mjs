// Runs the browser tests, one file after the other: npm run e2e -- [FILE ...] [-t PATTERN]. FILE is a name without .test.mjs.
import { spawn } from 'node:child_process';
import { accessSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CHROMIUM, FAILURES } from './browser.mjs';
import { BINARY } from './server.mjs';

const SUFFIX = '.test.mjs';
const { values, positionals } = parseArgs({ options: { test: { type: 'string', short: 't' } }, allowPositionals: true });
const folder = fileURLToPath(new URL('.', import.meta.url));
const all = readdirSync(folder).filter((name) => name.endsWith(SUFFIX)).sort();
const wanted = positionals.map((name) => `${name.replace(SUFFIX, '').replace(/^.*\//, '')}${SUFFIX}`);
const fail = (why) => (console.error(why), process.exit(1));
const missing = wanted.filter((name) => !all.includes(name));
if (missing.length > 0) fail(`there is no ${missing.join(', ')}; there are ${all.join(', ')}`);
for (const [file, what] of [[BINARY, 'build it with `cargo build -p tympan-cli`, or name it in TYMPAN'], [CHROMIUM, 'install Debian\'s package chromium, or name it in CHROMIUM']]) {
  try {
    accessSync(file);
  } catch {
    fail(`there is no ${file}: ${what}`);
  }
}
// Pictures of an earlier run say nothing about this one.
if (existsSync(FAILURES)) for (const name of readdirSync(FAILURES)) if (name.endsWith('.png')) rmSync(join(FAILURES, name));
const files = (wanted.length > 0 ? wanted : all).map((name) => folder + name);
const pattern = values.test === undefined ? [] : ['--test-name-pattern', values.test];
// One after the other: two browsers at once would make each other late. A file that hangs ends the run.
const limit = `--test-timeout=${(1_800 + Number(process.env.CONSOLE_SOAK_SECONDS ?? 0)) * 1_000}`;
const node = spawn(process.execPath, ['--test', '--test-concurrency=1', limit, '--test-reporter=spec', ...pattern, ...files], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => node.kill(signal));
node.on('exit', (code) => process.exit(code ?? 1));
