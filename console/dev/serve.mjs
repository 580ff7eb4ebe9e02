// Serves console/dist as the server does, with the same content security policy, in front of a running server.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSurface, fromEnvironment } from './surface.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8' };
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Listens on a port of 127.0.0.1; 0 lets the kernel choose. */
export async function serve({ port = 0, ...options }) {
  const surface = createSurface(options);
  const server = createServer(async (request, response) => {
    try {
      if ((await surface.handle(request, response)) !== false) return;
      const path = new URL(request.url, 'http://console').pathname;
      const isAsset = /^\/assets\/[\w.-]+$/.test(path);
      const file = isAsset ? path : '/index.html';
      const content = await readFile(join(DIST, file));
      response.writeHead(200, {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': isAsset ? 'public, max-age=31536000, immutable' : 'no-cache',
      });
      response.end(content);
    } catch (error) {
      response.writeHead(error.code === 'ENOENT' ? 404 : 502).end(String(error.message));
    }
  });
  server.on('upgrade', (request, socket, head) => surface.upgrade(request, socket, head) || socket.destroy());
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, signInLink: () => `${origin}/sign-in#code=${surface.code()}`, breakFeeds: surface.breakFeeds, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const console_ = await serve({ port: Number(process.env.PORT ?? 8601), ...fromEnvironment() });
  console.log(`Sign in: ${console_.signInLink()}`);
}
