// Makes docs/images: a call in light and in dark (call-light.png, call-dark.png) and a short film (call.webp).
// Usage: ROTUNDA_BIN=$PWD/build/rotunda node tests/e2e/page_picture.mjs; the film needs Debian's package webp.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openChromium, Person } from './browsers.mjs';
import { delay, ROOT, Server } from './harness.mjs';

const IMAGES = `${ROOT}docs/images`;
const FRAME_MS = 200;
const names = ['Ada', 'Grace', 'Katherine', 'Radia'];
const init = readFileSync(new URL('drawn_camera.js', import.meta.url), 'utf8');

const server = await Server.start();
const browser = await openChromium();
const folder = mkdtempSync(`${tmpdir()}/rotunda-film-`);
const frames = [];

// Everybody is seen as their camera sees them: on a busy machine encoders make small pictures for a while, or none.
const isWhole = () =>
  [...document.querySelectorAll('.tile video')].filter((one) => one.videoWidth >= 640 && one.getVideoPlaybackQuality().totalVideoFrames >= 30 && getComputedStyle(one).opacity === '1').length === 4;
const wholePictures = (person) => person.until('whole pictures of all', isWhole, null, { deadlineMs: 120_000 });

async function shoot(page, count) {
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    const path = `${folder}/${String(frames.length).padStart(3, '0')}.png`;
    await page.screenshot({ path });
    frames.push(path);
    await delay(Math.max(0, FRAME_MS - (performance.now() - begun)));
  }
}

try {
  mkdirSync(IMAGES, { recursive: true });
  const people = [];
  for (const [camera, name] of names.entries()) {
    people.push(await Person.enter(browser, server, 'study', name, { init, camera: String(camera), simulcast: '0', fps: '12' }));
  }
  const [ada, grace, , radia] = people;
  await ada.seesAndHears(...names.slice(1));
  await ada.page.setViewportSize({ width: 1200, height: 720 });
  await delay(3_000); // the encoders reach their full rate
  for (const scheme of ['light', 'dark']) {
    await browser.scheme(ada.page, scheme);
    await delay(500);
    await wholePictures(ada);
    await ada.page.screenshot({ path: `${IMAGES}/call-${scheme}.png` });
  }

  // The film: they talk, one writes, one leaves.
  await browser.scheme(ada.page, 'light');
  await ada.page.setViewportSize({ width: 800, height: 500 });
  await delay(500);
  await shoot(ada.page, 10);
  await grace.say('The minutes are in the wiki.');
  await ada.click('chat');
  await shoot(ada.page, 12);
  await ada.click('chat');
  await radia.page.close();
  await shoot(ada.page, 12);
  execFileSync('img2webp', ['-loop', '0', '-lossy', '-q', '55', '-m', '6', '-d', String(FRAME_MS), ...frames, '-o', `${IMAGES}/call.webp`]);
} finally {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
