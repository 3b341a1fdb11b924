// A call in Chromium over https and wss, with the test CA trusted; the certificate is renewed in mid-call.

import { copyFileSync } from 'node:fs';
import { test } from 'node:test';
import { openChromium, Person, sampleTwice } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Server, until } from './harness.mjs';
import { handshake, spkiHash, TestCa } from './tls_kit.mjs';

const SMALL = { width: '320', height: '180', fps: '15' };

test('a call over https goes on while the certificate is renewed', async (t) => {
  const ca = TestCa.make(t);
  const [first, second] = [ca.issue('first'), ca.issue('second')];
  const server = await Server.startFor(t, { ca: ca.root, args: ['--tls-cert', first.cert, '--tls-key', first.key] });
  const browser = await openChromium({ flags: [`--ignore-certificate-errors-spki-list=${spkiHash(`${ca.folder}/authority.crt`)}`] });
  t.after(() => browser.close());
  const room = freshRoom();
  const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  assert.equal(await ann.evaluate(() => `${location.protocol} ${isSecureContext}`), 'https: true');

  copyFileSync(second.cert, first.cert);
  copyFileSync(second.key, first.key);
  process.kill(server.pid, 'SIGHUP');
  await until('the new certificate is shown', async () => (await handshake(server)).serial === second.serial);

  const [sample] = await sampleTwice([ann], 1000);
  assert.ok(sample.after.got.Bob.video.frames > sample.before.got.Bob.video.frames, 'pictures go on');
  const cid = await Person.enter(browser, server, room, 'Cid', SMALL);
  await cid.seesAndHears('Ann', 'Bob');
  assert.deepEqual(await ann.tiles(), ['Bob', 'Cid']);
  // Nobody had to connect anew.
  assert.equal(await server.metric('rotunda_resumes_total'), 0);
});
