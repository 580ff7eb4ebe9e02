// Serves console/dist of this folder, with /api/ answered by the console of a running server and under its content security
// policy: pages that were just built, without building the server. TYMPAN_CONSOLE names the server's console.
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { createServer, request as ask } from 'node:http';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8' };

/** Listens on a port of 127.0.0.1; 0 lets the kernel choose. */
export async function serve({ console: behind, port = 0 }) {
  const policy = (await fetch(behind)).headers.get('content-security-policy');
  const upgraded = new Set();
  const to = (request) => ask(new URL(request.url, behind), { method: request.method, headers: request.headers, setHost: false });
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://console').pathname;
    if (path.startsWith('/api/')) {
      const asked = to(request);
      asked.on('response', (answer) => {
        response.writeHead(answer.statusCode, answer.rawHeaders);
        pipeline(answer, response, () => {});
      });
      asked.on('error', () => response.destroy());
      response.on('close', () => asked.destroy());
      return void request.pipe(asked);
    }
    const isAsset = /^\/assets\/[\w.-]+$/.test(path);
    const file = join(DIST, isAsset ? path : 'index.html');
    if (!(await access(file).then(() => true, () => false))) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': policy, 'cache-control': 'no-cache' });
    createReadStream(file).pipe(response);
  });
  server.on('upgrade', (request, socket, head) => {
    const asked = to(request);
    asked.on('upgrade', (answer, other, first) => {
      const lines = answer.rawHeaders.reduce((text, part, at) => text + part + (at % 2 ? '\r\n' : ': '), 'HTTP/1.1 101 Switching Protocols\r\n');
      socket.write(`${lines}\r\n`);
      if (first.length) socket.write(first);
      if (head.length) other.write(head);
      upgraded.add(socket);
      pipeline(socket, other, () => upgraded.delete(socket));
      pipeline(other, socket, () => {});
    });
    asked.on('response', (answer) => (socket.end(`HTTP/1.1 ${answer.statusCode} Refused\r\nconnection: close\r\n\r\n`), answer.resume()));
    asked.on('error', () => socket.destroy());
    socket.on('error', () => asked.destroy());
    asked.end();
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** Breaks all WebSockets, as a network would. */
    breakFeeds: () => upgraded.forEach((socket) => socket.destroy()),
    close: () => (upgraded.forEach((socket) => socket.destroy()), server.closeAllConnections(), server.close()),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const served = await serve({ console: process.env.TYMPAN_CONSOLE ?? 'http://127.0.0.1:8601', port: Number(process.env.PORT ?? 8602) });
  console.log(served.origin);
}
