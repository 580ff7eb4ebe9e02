// A real server under --dev with a fresh data folder, and real calls into it.
import { spawn } from 'node:child_process';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sign } from './sigv4.mjs';

const KEYS = { accessKeyId: 'TYMPANDEV', secretAccessKey: 'tympandevsecret' };
const REGION = 'us-west-2';
const BINARY = process.env.TYMPAN ?? fileURLToPath(new URL('../../target/debug/tympan', import.meta.url));
const FLOW = new URL('flow.json', import.meta.url);

/** Waits until a condition gives something. */
export async function until(what, condition, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition().catch(() => undefined);
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** Starts a server; it listens on ports that the kernel chooses. */
export async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), 'tympan-console-e2e-'));
  const ready = join(folder, 'ready.json');
  const env = { ...process.env, TYMPAN_HTTP__LISTEN: '127.0.0.1:0', TYMPAN_SIP__LISTEN: '127.0.0.1:0', TYMPAN_CONSOLE__LISTEN: '127.0.0.1:0', TYMPAN_RTP__PORT_FIRST: '0' };
  const server = spawn(BINARY, ['serve', '--dev', '--data-dir', join(folder, 'data'), '--ready-file', ready], { env, stdio: 'ignore' });
  await until('the server is ready', () => access(ready).then(() => true));
  const { http, sip, console: console_, console_sign_in: signInLink } = JSON.parse(await readFile(ready, 'utf8'));
  const calls = new Set();

  /** Runs an operation. */
  const api = async (service, method, path, value) => {
    const url = new URL(path, http);
    const body = value === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value));
    const headers = sign({ method, url, body, service, region: REGION, keys: KEYS });
    if (value !== undefined) headers['content-type'] = 'application/json';
    const answer = await fetch(url, { method, headers, body: value === undefined ? undefined : body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  };

  /** A call that says a built-in sentence and presses keys; it goes on until it is hung up. */
  const call = (from, { keys = [], seconds = 120 } = {}) => {
    const pressed = keys.flatMap((key) => ['--dtmf', key]);
    const arguments_ = ['call', `sip:+18005550100@${sip}`, '--hello', '--from', from, '--duration', String(seconds), '-q', ...pressed];
    const caller = spawn(BINARY, arguments_, { stdio: 'ignore' });
    calls.add(caller);
    const ended = new Promise((resolve) => caller.on('exit', resolve));
    return { hangUp: () => (caller.kill('SIGINT'), ended), ended };
  };

  const [instance] = (await api('connect', 'GET', '/instance')).InstanceSummaryList;
  const flows = (await api('connect', 'GET', `/contact-flows-summary/${instance.Id}?contactFlowTypes=CONTACT_FLOW`)).ContactFlowSummaryList;
  const flow = flows.find((one) => one.Name === 'Sample');
  await api('connect', 'POST', `/contact-flows/${instance.Id}/${flow.Id}/content`, { Content: await readFile(FLOW, 'utf8') });

  const stop = async () => {
    for (const caller of calls) if (caller.exitCode === null) caller.kill('SIGINT');
    const ended = new Promise((resolve) => server.on('exit', resolve));
    server.kill('SIGTERM');
    const killed = setTimeout(() => server.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(killed);
    await rm(folder, { recursive: true, force: true });
  };
  return { http, sip, console: console_, signInLink, instance, flow, api, call, stop, keys: KEYS, region: REGION };
}
