// The surface that the server gives to the console, in front of a running server: sessions in a cookie,
// and every operation under /api/<signing name>/. For development and for browser tests only.
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { sign } from './sigv4.mjs';

const COOKIE = 'tympan-console-dev';
const SESSION_MS = 8 * 3600 * 1000;
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'content-encoding', 'date']);

const readBody = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const json = (response, status, value, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(value === undefined ? undefined : JSON.stringify(value));
};

const isSameOrigin = (request) => {
  const origin = request.headers.origin;
  return origin === undefined || new URL(origin).host === request.headers.host;
};

/**
 * @param {{ endpoint: string, region?: string, account?: string, keys?: import('./sigv4.mjs').Keys, streamsPerAccount?: number }} options
 * `keys` is what a one-time code signs in as.
 */
export function createSurface({ endpoint, region = 'us-west-2', account = '111122223333', keys, streamsPerAccount }) {
  const sessions = new Map();
  const codes = new Set();
  const feeds = new Set();

  const session = (request) => {
    const cookie = (request.headers.cookie ?? '').split(/;\s*/).find((part) => part.startsWith(COOKIE + '='));
    const found = cookie && sessions.get(cookie.slice(COOKIE.length + 1));
    return found && found.expires > Date.now() ? found : undefined;
  };

  const parts = (requestUrl) => {
    const [, service, path, search] = /^\/api\/([a-z-]+)(\/[^?]*)(\?.*)?$/.exec(requestUrl) ?? [];
    return service ? { service, url: new URL(path + (search ?? ''), endpoint) } : undefined;
  };

  const forward = async (who, method, { service, url }, body, headers) => {
    const extra = headers['x-amz-target'] ? { 'x-amz-target': headers['x-amz-target'] } : {};
    const signed = sign({ method, url, body, service, region, keys: who.keys, extra });
    if (headers['content-type']) signed['content-type'] = headers['content-type'];
    return fetch(url, { method, headers: signed, body: body.length > 0 ? body : undefined });
  };

  const signIn = async (request, response) => {
    const given = JSON.parse((await readBody(request)).toString() || '{}');
    let wanted = { accessKeyId: given.accessKeyId ?? '', secretAccessKey: given.secretAccessKey ?? '' };
    if (given.code !== undefined) {
      if (!codes.delete(given.code)) return json(response, 401, { message: 'That link was used already, or is too old.' });
      wanted = keys;
    }
    const url = new URL('/tympan/version', endpoint);
    const answer = await fetch(url, { headers: sign({ method: 'GET', url, service: 'tympan', region, keys: wanted }) });
    // A policy that denies GetVersion is no reason to refuse: the signature was right.
    const type = answer.headers.get('x-amzn-errortype') ?? '';
    if (!answer.ok && !type.startsWith('AccessDenied')) return json(response, 401, { message: 'That key and secret do not match.' });
    const token = randomBytes(24).toString('hex');
    sessions.set(token, { keys: wanted, user: wanted.accessKeyId, expires: Date.now() + SESSION_MS });
    response.writeHead(204, { 'set-cookie': `${COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict` });
    return response.end();
  };

  /** Answers a request under /api/; gives false for any other. */
  const handle = async (request, response) => {
    if (!request.url.startsWith('/api/')) return false;
    if (request.method !== 'GET' && !isSameOrigin(request)) return json(response, 403, { message: 'This comes from another origin.' });
    if (request.url === '/api/sign-in' && request.method === 'POST') return signIn(request, response);
    const who = session(request);
    if (!who) return json(response, 401, { message: 'Sign in first.' });
    if (request.url === '/api/session') {
      const limits = streamsPerAccount === undefined ? {} : { streamsPerAccount };
      return json(response, 200, { user: who.user, account, region, expires: new Date(who.expires).toISOString(), ...limits });
    }
    if (request.url === '/api/sign-out') {
      for (const [token, one] of sessions) if (one === who) sessions.delete(token);
      response.writeHead(204, { 'set-cookie': `${COOKIE}=; Path=/; Max-Age=0` });
      return response.end();
    }
    const target = parts(request.url);
    if (!target) return json(response, 404, { message: 'There is no such path.' });
    const answer = await forward(who, request.method, target, await readBody(request), request.headers);
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => !HOP_BY_HOP.has(name)));
    response.writeHead(answer.status, headers);
    if (answer.body) for await (const chunk of answer.body) response.write(chunk);
    return response.end();
  };

  /** Takes a WebSocket upgrade under /api/; gives false for any other. */
  const upgrade = (request, socket, head) => {
    if (!request.url.startsWith('/api/')) return false;
    const who = session(request);
    const target = parts(request.url);
    if (!who || !target || !isSameOrigin(request)) return socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
    const { service, url } = target;
    const headers = sign({ method: 'GET', url, service, region, keys: who.keys });
    for (const name of ['connection', 'upgrade', 'sec-websocket-key', 'sec-websocket-version']) headers[name] = request.headers[name];
    const up = net.connect(Number(url.port), url.hostname, () => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      up.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`);
      up.write(head);
      up.pipe(socket);
      socket.pipe(up);
    });
    feeds.add(socket);
    socket.on('close', () => feeds.delete(socket));
    up.on('error', () => socket.destroy());
    up.on('close', () => socket.destroy());
    socket.on('error', () => up.destroy());
    socket.on('close', () => up.destroy());
    return true;
  };

  /** A code that signs in once. */
  const code = () => {
    const made = randomBytes(16).toString('hex');
    codes.add(made);
    return made;
  };

  /** Breaks every WebSocket, as a network does. */
  const breakFeeds = () => feeds.forEach((socket) => socket.destroy());

  return { handle, upgrade, code, breakFeeds };
}

/** What the environment says of the server behind, with the keys of `tympan serve --dev` unless it says otherwise. */
export const fromEnvironment = (env = process.env) => ({
  endpoint: env.TYMPAN_ENDPOINT ?? 'http://127.0.0.1:8600',
  region: env.AWS_REGION ?? 'us-west-2',
  streamsPerAccount: 100,
  keys: {
    accessKeyId: env.AWS_ACCESS_KEY_ID ?? 'TYMPANDEV',
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? 'tympandevsecret',
  },
});
