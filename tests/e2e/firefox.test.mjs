// Firefox through the real server: two tabs, and one together with Chromium. Run by in_own_network.sh.

import { after, before, test } from 'node:test';
import { ARTIFACTS, openChromium, openFirefox, Person, sampleTwice } from './browsers.mjs';
import { assert, freshRoom, inOneOf } from './expect.mjs';
import { Server, until } from './harness.mjs';

const SMALL = { width: '320', height: '240', fps: '15' };
let server, firefox;
before(async () => {
  server = await Server.start({ announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
  firefox = await openFirefox();
});
after(async () => {
  await firefox.close();
  await server.stop();
});

function assertFlow(samples) {
  for (const { person, before: s0, after: s1 } of samples) {
    for (const other of samples.filter((sample) => sample.person !== person)) {
      const what = `${person.name} from ${other.person.name}`;
      const [b, a] = [s0.got[other.person.name], s1.got[other.person.name]];
      const encoded = other.after.sent.video.framesEncoded - other.before.sent.video.framesEncoded;
      const decoded = a.video.frames - b.video.frames;
      assert.ok(encoded > 0, `${other.person.name} sends video`);
      assert.ok(decoded >= encoded * 0.85 - 3, `${what}: expected about ${encoded} frames, decoded ${decoded}`);
      assert.equal(a.video.lost - b.video.lost, 0, `${what}: video packets lost`);
      assert.equal(a.audio.lost - b.audio.lost, 0, `${what}: audio packets lost`);
      assert.ok(a.audio.energy > b.audio.energy, `${what}: expected audio energy, got ${b.audio.energy} to ${a.audio.energy}`);
    }
  }
}

test('two Firefox tabs see and hear each other', async (t) => {
  const room = freshRoom();
  const ann = await Person.enter(firefox, server, room, 'Ann', SMALL);
  const bob = await Person.enter(firefox, server, room, 'Bob', SMALL);
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  await inOneOf(3, t, async () => assertFlow(await sampleTwice([ann, bob], 3_000)));
  await ann.page.screenshot({ path: `${ARTIFACTS}firefox-2.png` });
  await ann.click('leave');
  await until('the tile is gone', async () => (await bob.tiles()).length === 0);
  await bob.page.close();
  await ann.page.close();
});

test('Firefox and Chromium see and hear each other', async (t) => {
  const chromium = await openChromium();
  try {
    const room = freshRoom();
    const fox = await Person.enter(firefox, server, room, 'Fox', SMALL);
    const chris = await Person.enter(chromium, server, room, 'Chris', SMALL);
    await fox.seesAndHears('Chris');
    await chris.seesAndHears('Fox');
    await inOneOf(3, t, async () => assertFlow(await sampleTwice([fox, chris], 3_000)));
    await fox.page.close();
  } finally {
    await chromium.close();
  }
});
