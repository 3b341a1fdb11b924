// /gallery, which shows tile, stage and controls in all their states: as it looked before, in light and dark, on a phone and
// on a desktop. What is compared is small and blurred, for fonts are those of the machine.
//
// After a change that is meant: WRITE_GALLERY=1 node --test tests/e2e/gallery.test.mjs, and look at what has changed in
// tests/e2e/gallery/.

import { readdirSync, readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ARTIFACTS, openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { ROOT } from './harness.mjs';

const FRONTEND = `${ROOT}frontend/`;
const KEPT = fileURLToPath(new URL('gallery/', import.meta.url));
const SIZES = { phone: { width: 390, height: 800 }, desktop: { width: 1200, height: 900 } };
const PICTURES = 3; // tiles with a picture
const SMALLER = 4; // what is kept is smaller by this, each way
const SAME_WITHIN = 28; // of 255, for each of three colours
const BLOCK = 12; // what is compared as one, overlapping by half: a button
const BLOCK_SHARE_MAX = 0.25; // of its pixels

const { build } = createRequire(`${FRONTEND}package.json`)('esbuild');

// The gallery as `npm run dev` shows it, without a server of Next.js: the same component, with the page's own styles.
async function bundle() {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { createRoot } from 'react-dom/client';
import { Shell } from '@/components/shell';
import { Gallery } from '@/gallery/gallery';
createRoot(document.getElementById('root')).render(<Shell><Gallery /></Shell>);`,
      loader: 'tsx',
      resolveDir: FRONTEND,
    },
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    target: 'es2022',
    tsconfig: `${FRONTEND}tsconfig.json`,
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.NEXT_PUBLIC_ROTUNDA_URL': '""' },
    alias: { 'next/link': `${FRONTEND}gallery/plain-link.tsx` },
    logLevel: 'error',
  });
  return outputFiles[0].text;
}

const styles = () => {
  const folder = `${FRONTEND}dist/_next/static/css/`;
  return readdirSync(folder).filter((name) => name.endsWith('.css')).map((name) => readFileSync(folder + name, 'utf8')).join('\n');
};

let browser, origin, http;
before(async () => {
  const script = await bundle();
  http = createServer(({ url }, response) => {
    const [type, text] = {
      '/': ['text/html', '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/style"><div id="root"></div><script type="module" src="/script"></script>'],
      '/style': ['text/css', styles()],
      '/script': ['text/javascript', script],
    }[url] ?? ['text/plain', ''];
    response.setHeader('content-type', type);
    response.end(text);
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${http.address().port}`;
  browser = await openChromium();
});
after(async () => {
  await browser?.close();
  http?.close();
});

// In the page: `png` made smaller, and what share of the block that differs most from `kept` does.
async function compare({ png, kept, smaller, within, block }) {
  const load = async (data) => createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
  const shrink = async (image, by) => {
    const canvas = new OffscreenCanvas(Math.round(image.width / by), Math.round(image.height / by));
    const pen = canvas.getContext('2d');
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    return { canvas, pen };
  };
  const now = await shrink(await load(png), smaller);
  const { width, height } = now.canvas;
  const bytes = new Uint8Array(await (await now.canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
  const encoded = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  if (!kept) return { encoded, share: 1 };
  const before = await load(kept);
  if (before.width !== width || Math.abs(before.height - height) > 12) return { encoded, share: 1, why: `${before.width}x${before.height} before, ${width}x${height} now` };
  const old = await shrink(before, 1);
  const rows = Math.min(height, before.height);
  const [a, b] = [now, old].map(({ pen }) => pen.getImageData(0, 0, width, rows).data);
  const differs = new Uint8Array(width * rows);
  for (let i = 0; i < differs.length; i++) differs[i] = [0, 1, 2].some((color) => Math.abs(a[4 * i + color] - b[4 * i + color]) > within) ? 1 : 0;
  let worst = { share: 0 };
  for (let top = 0; top + block <= rows; top += block / 2)
    for (let left = 0; left + block <= width; left += block / 2) {
      let count = 0;
      for (let y = top; y < top + block; y++) for (let x = left; x < left + block; x++) count += differs[y * width + x];
      const share = count / block ** 2;
      if (share > worst.share) worst = { share, why: `at ${left * smaller}, ${top * smaller}` };
    }
  return { encoded, ...worst };
}

test('the gallery looks as it did', async (t) => {
  const page = await browser.newPage({ init: () => void (navigator.mediaDevices.getDisplayMedia ??= () => {}) });
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(origin);
  await page.addStyleTag({ content: '*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent !important }' });
  mkdirSync(KEPT, { recursive: true });
  for (const scheme of ['light', 'dark']) {
    await browser.scheme(page, scheme);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await browser.resize(page, viewport);
      await page.waitForFunction((count) => {
        const shown = [...document.querySelectorAll('.tile:not(.no-video):not(.coming) video')].filter(({ videoWidth }) => videoWidth > 0);
        return shown.length >= count && document.querySelector('.tile.coming') === null;
      }, PICTURES, { timeout: 20_000 });
      const png = (await page.screenshot({ fullPage: true, path: `${ARTIFACTS}gallery-${size}-${scheme}.png` })).toString('base64');
      const file = `${KEPT}${size}-${scheme}.png`;
      const kept = process.env.WRITE_GALLERY ? null : readFileSync(file).toString('base64');
      const { encoded, share, why } = await page.evaluate(compare, { png, kept, smaller: SMALLER, within: SAME_WITHIN, block: BLOCK });
      if (process.env.WRITE_GALLERY) {
        writeFileSync(file, Buffer.from(encoded, 'base64'));
        continue;
      }
      t.diagnostic(`measured: ${size}, ${scheme}: at most ${(100 * share).toFixed(0)} % of a block differ`);
      assert.ok(share <= BLOCK_SHARE_MAX, `${size}, ${scheme}: ${(100 * share).toFixed(0)} % of a block differ, ${why} of ${ARTIFACTS}gallery-${size}-${scheme}.png; after a change that is meant, WRITE_GALLERY=1 keeps the new look`);
    }
  }
  assert.deepEqual(errors, []);
});

test('the gallery is not in what is served', () => {
  assert.ok(!readdirSync(`${FRONTEND}dist/`).some((name) => name.startsWith('gallery')));
});
