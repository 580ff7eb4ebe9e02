import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { createSurface, fromEnvironment } from './dev/surface.mjs';

/** Answers /api/ of the development server from the server that TYMPAN_ENDPOINT names. */
function surface(): Plugin {
  return {
    name: 'tympan-surface',
    apply: 'serve',
    configureServer(server) {
      const { handle, upgrade, code } = createSurface(fromEnvironment());
      server.middlewares.use((request, response, next) => {
        handle(request, response).then((done) => done === false && next(), next);
      });
      server.httpServer?.on('upgrade', (request, socket, head) => {
        if (request.url?.startsWith('/api/')) upgrade(request, socket, head);
      });
      server.httpServer?.once('listening', () => {
        server.config.logger.info(`Sign in: /sign-in#code=${code()}`);
      });
    },
  };
}

export default defineConfig({
  plugins: [svelte(), surface()],
  build: {
    target: 'es2022',
    // The content security policy has no data: addresses for scripts, and none inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
