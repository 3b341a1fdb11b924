// Bundles the page into dist/, which the server serves at `/`.
import { cp, mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = `${here}dist`;

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await build({
  entryPoints: [`${here}src/main.js`],
  outfile: `${dist}/app.js`,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome111', 'firefox120', 'safari16'],
  define: { 'process.env.DEBUG': 'undefined' },
});
for (const file of ['index.html', 'style.css', 'icon.svg']) await cp(`${here}${file}`, `${dist}/${file}`);
