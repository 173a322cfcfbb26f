/**
 * Builds the page: hashed assets, no inline scripts (the device's CSP forbids them), and a service worker
 * at a fixed name that knows the files of the shell it must keep.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const device = 'http://127.0.0.1:7717';

/** Writes the names of the shell's files (the page and what it loads at once) into the service worker, so that a new build is a new worker. */
function shellList(): Plugin {
  return {
    name: 'shell-list',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const files = new Set(['/', '/manifest.webmanifest', '/icon.svg', '/theme.js']);
      const queue = Object.values(bundle).flatMap((file) =>
        file.type === 'chunk' && file.isEntry && file.name !== 'service-worker' ? [file.fileName] : [],
      );
      if (queue.length === 0) throw new Error('The build has no entry, so the service worker would keep nothing.');
      for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
        if (files.has(`/${name}`)) continue;
        files.add(`/${name}`);
        const file = bundle[name];
        if (file?.type !== 'chunk') continue;
        queue.push(...file.imports);
        for (const css of file.viteMetadata?.importedCss ?? []) files.add(`/${css}`);
      }
      const worker = Object.values(bundle).find((file) => file.type === 'chunk' && file.name === 'service-worker');
      if (worker?.type !== 'chunk' || !worker.code.includes('__SHELL_FILES__'))
        throw new Error('The service worker has no place for the list of files.');
      worker.code = worker.code.replace('__SHELL_FILES__', JSON.stringify([...files].toSorted()));
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [shellList()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: {
        page: fileURLToPath(new URL('index.html', import.meta.url)),
        'service-worker': fileURLToPath(new URL('src/service-worker.ts', import.meta.url)),
      },
      output: {
        entryFileNames: (chunk) => (chunk.name === 'service-worker' ? 'service-worker.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: {
      '/api': { target: device, ws: true },
      '/sync': { target: device, ws: true },
      '/health': device,
    },
  },
});
