// After the build: beside each text of the page the same as .br and .gz, for the server to send to who takes it
// (server/web/http_encoding.h). What would not get smaller gets none.
import console from 'node:console';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { URL } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const ROOT = new URL('dist/', import.meta.url).pathname;
const TEXT = /\.(html|js|mjs|css|json|svg|txt|webmanifest|xml|wasm|ttf)$/;

// The last few hundredths of a large file are not worth the half minute that they take.
const LARGE = 1 << 20;
const qualityFor = (bytes) => (bytes.length > LARGE ? 9 : constants.BROTLI_MAX_QUALITY);

const forms = {
  '.br': (bytes) =>
    brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length, [constants.BROTLI_PARAM_QUALITY]: qualityFor(bytes) },
    }),
  '.gz': (bytes) => gzipSync(bytes, { level: 9 }),
};

let before = 0;
let after = 0;
for (const name of readdirSync(ROOT, { recursive: true })) {
  const path = ROOT + name;
  if (!TEXT.test(name) || !statSync(path).isFile()) continue;
  const bytes = readFileSync(path);
  const sizes = [bytes.length];
  for (const [ending, form] of Object.entries(forms)) {
    const small = form(bytes);
    rmSync(path + ending, { force: true });
    if (small.length >= bytes.length) continue;
    writeFileSync(path + ending, small);
    sizes.push(small.length);
  }
  before += bytes.length;
  after += Math.min(...sizes);
}
console.log(`${Math.round(before / 1024)} KiB of text, ${Math.round(after / 1024)} KiB as sent`);
