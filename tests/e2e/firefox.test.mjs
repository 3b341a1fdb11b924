// Firefox through the real server: two tabs, and one together with Chromium. Run by in_own_network.sh.

import { after, before, test } from 'node:test';
import { ARTIFACTS, openChromium, openFirefox, Person, sampleTwice } from './browsers.mjs';
import { freshRoom, inOneOf } from './expect.mjs';
import { assertFlow } from './flow.mjs';
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

// Firefox may still be decoding what came last.
const LIMITS = { share: 0.85, slack: 3 };

test('two Firefox tabs see and hear each other', async (t) => {
  const room = freshRoom();
  const ann = await Person.enter(firefox, server, room, 'Ann', SMALL);
  const bob = await Person.enter(firefox, server, room, 'Bob', SMALL);
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  await inOneOf(3, t, async () => assertFlow(await sampleTwice([ann, bob], 3_000), LIMITS));
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
    await inOneOf(3, t, async () => assertFlow(await sampleTwice([fox, chris], 3_000), LIMITS));
    await fox.page.close();
  } finally {
    await chromium.close();
  }
});
