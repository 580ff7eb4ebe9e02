// A real server under --dev with a fresh data folder, and real calls into it.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '../dev/serve.mjs';
import { sign } from './sigv4.mjs';

const KEYS = { accessKeyId: 'TYMPANDEV', secretAccessKey: 'tympandevsecret' };
const REGION = 'us-west-2';
export const BINARY = process.env.TYMPAN ?? fileURLToPath(new URL('../../target/debug/tympan', import.meta.url));
const FLOW = new URL('flow.json', import.meta.url);
const NUMBER = '+18005550100';

/** Waits until a condition gives something. The time is for a machine that does much else. */
export async function until(what, condition, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    let reason;
    const found = await Promise.resolve()
      .then(condition)
      .catch((error) => void (reason = error));
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`, { cause: reason });
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** What still runs when the process of the tests ends, however it ends. */
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
process.once('SIGTERM', () => process.exit(1));

function start(arguments_, options) {
  const child = spawn(BINARY, arguments_, options);
  children.add(child);
  const ended = new Promise((resolve) => {
    const done = (outcome) => (children.delete(child), resolve(outcome));
    child.on('exit', done);
    child.on('error', done);
  });
  return { child, ended };
}

/**
 * Starts a server with the sample flow of `flow.json`. It listens on ports that the kernel chooses. `config` is the text of a
 * configuration file: keys and policies beside those of --dev.
 */
export async function startServer({ config = '' } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'tympan-console-e2e-'));
  const ready = join(folder, 'ready.json');
  const settings = join(folder, 'tympan.toml');
  await writeFile(settings, config, { mode: 0o600 });
  const env = { ...process.env, TYMPAN_HTTP__LISTEN: '127.0.0.1:0', TYMPAN_SIP__LISTEN: '127.0.0.1:0', TYMPAN_CONSOLE__LISTEN: '127.0.0.1:0', TYMPAN_RTP__PORT_FIRST: '0' };
  const arguments_ = ['serve', '--dev', '--config', settings, '--data-dir', join(folder, 'data'), '--ready-file', ready];
  const { child, ended } = start(arguments_, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => (log = (log + data).slice(-4_000)));
  if (process.env.TYMPAN_LOG_FILE) child.stderr.pipe(createWriteStream(process.env.TYMPAN_LOG_FILE, { flags: 'a' }));
  let isOver = false;
  void ended.then(() => (isOver = true));
  const addresses = await until('the server is ready', async () => {
    if (isOver) return { isOver };
    return JSON.parse(await readFile(ready, 'utf8'));
  });
  if (addresses.isOver) throw new Error(`${BINARY} did not start: ${log}`);
  const { http, sip, console: listener } = addresses;
  // Pages that were just built, without building the server.
  const dist = process.env.CONSOLE_DIST ? await serve({ console: listener }) : undefined;
  const origin = dist?.origin ?? listener;
  const signInLink = addresses.console_sign_in.replace(listener, origin);
  const calls = new Set();

  /** Runs an operation, and gives its answer whatever its status. */
  const ask = async (service, method, path, value, { keys = KEYS, target } = {}) => {
    const url = new URL(path, http);
    const body = value === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value));
    const extra = target ? { 'x-amz-target': target } : {};
    const headers = sign({ method, url, body, service, region: REGION, keys, extra });
    if (value !== undefined) headers['content-type'] = target ? 'application/x-amz-json-1.1' : 'application/json';
    const answer = await fetch(url, { method, headers, body: value === undefined ? undefined : body });
    return { status: answer.status, text: await answer.text() };
  };

  /** Runs an operation, and gives its result. */
  const api = async (service, method, path, value, options) => {
    const { status, text } = await ask(service, method, path, value, options);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text ? JSON.parse(text) : {};
  };

  /** A call that says a built-in sentence and presses keys; it goes on until it is hung up. */
  const call = (from, { keys = [], seconds = 600, to = NUMBER, more = [] } = {}) => {
    const pressed = keys.flatMap((key) => ['--dtmf', key]);
    const caller = start(['call', `sip:${to}@${sip}`, '--hello', '--from', from, '--duration', String(seconds), '-q', ...pressed, ...more], { stdio: 'ignore' });
    calls.add(caller);
    void caller.ended.then(() => calls.delete(caller));
    return { hangUp: () => (caller.child.kill('SIGINT'), caller.ended), ended: caller.ended };
  };

  /** Any other command of the program, against this server; it runs until it ends, or the server stops. */
  const tympan = (...words) => {
    const command = start(words, {
      stdio: 'ignore',
      env: { ...process.env, AWS_ENDPOINT_URL: http, AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey, AWS_REGION: REGION },
    });
    calls.add(command);
    void command.ended.then(() => calls.delete(command));
    return command.ended;
  };

  const contacts = async () => (await api('tympan', 'GET', '/tympan/contacts?maxResults=1000')).Contacts;

  const [instance] = (await api('connect', 'GET', '/instance')).InstanceSummaryList;
  const flows = (await api('connect', 'GET', `/contact-flows-summary/${instance.Id}?contactFlowTypes=CONTACT_FLOW`)).ContactFlowSummaryList;
  const flow = flows.find((one) => one.Name === 'Sample');
  await api('connect', 'POST', `/contact-flows/${instance.Id}/${flow.Id}/content`, { Content: await readFile(FLOW, 'utf8') });

  const stop = async () => {
    dist?.close();
    for (const caller of calls) caller.child.kill('SIGINT');
    child.kill('SIGTERM');
    const killed = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await Promise.all([ended, ...[...calls].map((caller) => caller.ended)]);
    clearTimeout(killed);
    await rm(folder, { recursive: true, force: true });
  };
  return {
    http, sip, console: origin, signInLink, data: join(folder, 'data'), instance, flow, ask, api, call, tympan, contacts, stop, keys: KEYS, region: REGION,
    /** The server's own listener, also where `console` serves this folder's dist. */
    listener,
  };
}
