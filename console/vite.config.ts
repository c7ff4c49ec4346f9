import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The server that `npm run dev` talks to. */
const server = process.env['TRIPGRAPH_URL'] ?? 'http://127.0.0.1:8000';

export default defineConfig({
  base: '/graphiql/',
  plugins: [react(), fontFiles(), compressed()],
  resolve: {
    alias: {
      'react-style-singleton': fileURLToPath(new URL('src/style-singleton.ts', import.meta.url)),
    },
  },
  build: {
    target: 'es2022',
    sourcemap: false,
    // The content security policy allows files of the own origin only, so nothing is inlined.
    assetsInlineLimit: 0,
    emptyOutDir: true,
    chunkSizeWarningLimit: 1000,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      onLog(level, log, handle) {
        // React's compiler says "use no memo" to itself in packages that it has compiled.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/graphql': { target: server, ws: true },
      '/export': server,
      '/ingestions': server,
      '/inspect': server,
      '/graphiql/config.json': server,
      '/graphiql/example.csv': server,
    },
  },
});

/**
 * Takes the fonts out of GraphiQL's style sheet, where they stand as data URLs: as files they need
 * no exception in the content security policy, and a browser loads only those it draws with.
 */
function fontFiles(): Plugin {
  const dataUrl = /url\(["']?data:font\/woff2?;base64,([A-Za-z0-9+/=]+)["']?\)/g;
  return {
    name: 'font-files',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      for (const sheet of Object.values(bundle)) {
        if (sheet.type !== 'asset' || !sheet.fileName.endsWith('.css')) continue;
        const css =
          typeof sheet.source === 'string' ? sheet.source : new TextDecoder().decode(sheet.source);
        sheet.source = css.replace(dataUrl, (_url, base64: string) => {
          const source = Buffer.from(base64, 'base64');
          const extension = source.subarray(0, 4).toString() === 'wOF2' ? 'woff2' : 'woff';
          const reference = this.emitFile({ type: 'asset', name: `font.${extension}`, source });
          return `url(./${this.getFileName(reference).replace(/^assets\//, '')})`;
        });
      }
    },
  };
}

/**
 * Replaces each asset that becomes smaller by its gzip: the program embeds and sends it like that.
 */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    enforce: 'post',
    async writeBundle({ dir }, bundle) {
      if (dir === undefined) return this.error('no output directory');
      const assets = Object.keys(bundle).filter((name) => name.startsWith('assets/'));
      await Promise.all(assets.map((name) => compress(join(dir, name))));
    },
  };
}

async function compress(file: string) {
  const content = await readFile(file);
  const smaller = await promisify(gzip)(content, { level: 9 });
  if (smaller.length >= content.length) return;
  await writeFile(`${file}.gz`, smaller);
  await rm(file);
}
