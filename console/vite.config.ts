import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  // The console of a running `tympan serve --dev` answers the API. Host and Origin go on as they come: they name one origin.
  server: { proxy: { '/api': { target: process.env['TYMPAN_CONSOLE'] ?? 'http://127.0.0.1:8601', ws: true } } },
  build: {
    target: 'es2022',
    // These know light-dark(): the tokens stand once.
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    // The content security policy has no data: addresses for scripts, and none inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
