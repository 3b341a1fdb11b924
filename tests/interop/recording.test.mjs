// What Chromium's encoders make, recorded by the page's button and read by FFmpeg, in each codec.
//
//   (cd frontend && npm ci && npm run build); (cd tests/e2e && npm ci)
//   ROTUNDA_BIN=$PWD/build/rotunda node --test tests/interop/recording.test.mjs
//
// A minute. ROTUNDA_SECONDS: how long each is recorded, 5 if it is not set.
import { after, before, test } from 'node:test';
import { openChromium } from '../e2e/browsers.mjs';
import { openStudio, recordsByButton } from '../e2e/recording_kit.mjs';
import { assert } from '../e2e/expect.mjs';

const seconds = Number(process.env.ROTUNDA_SECONDS ?? 5);
const world = {};
before(async () => {
  world.studio = await openStudio();
  world.together = await openStudio({ layout: 'participant' });
  world.browser = await openChromium();
});
after(async () => {
  await world.browser?.close();
  await world.studio?.end();
  await world.together?.end();
});
const cases = ['vp8', 'vp9', 'h264', 'av1'].flatMap((codec) => [[codec, 'studio'], [codec, 'together']]);
for (const [codec, studio] of cases)
  test(`Chromium's ${codec}, ${studio === 'together' ? 'sound and picture in one file' : 'a file each'}`, async (t) => {
    const { sound, picture } = await recordsByButton({ ...world, studio: world[studio] }, { codec, seconds });
    assert.equal(picture.codec, codec);
    t.diagnostic(`sound ${sound.frames} frames, ${sound.seconds.toFixed(2)} s; picture ${picture.frames} frames, ${picture.seconds.toFixed(2)} s; ends ${Math.round(1000 * Math.abs(sound.begins + sound.seconds - picture.begins - picture.seconds))} ms apart`);
  });
