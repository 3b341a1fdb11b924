// WHIP and WHEP with clients that others wrote, in Chromium: @eyevinn/whip-web-client publishes, @eyevinn/webrtc-player
// watches, on a server that wants tokens.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import { openChromium } from './browsers.mjs';
import { bundle } from './bundle.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';

const KEY = ['devkey', '0123456789abcdef0123456789abcdef'];
const folder = mkdtempSync(`${tmpdir()}/rotunda-whip-`);
let server, browser, page;
before(async () => {
  writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
  server = await Server.start({ args: ['--keys', `${folder}/keys`] });
  browser = await openChromium();
  page = await browser.newPage();
  await page.goto(`${server.origin}/healthz`); // a page without a policy of its own
  await page.evaluate(bundle(['@eyevinn/whip-web-client', '@eyevinn/webrtc-player']));
});
after(async () => {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function tokenFor(room, identity, grants = {}) {
  const token = new AccessToken(KEY[0], KEY[1], { identity, ttl: '1h' });
  token.addGrant({ roomJoin: true, room, ...grants });
  return token.toJwt();
}

test('whip-web-client publishes and webrtc-player watches, each by its token', async () => {
  const room = freshRoom();
  const moderator = await Client.join(server, room, undefined, { token: await tokenFor(room, 'mod', { roomAdmin: true }) });
  const none = await page.evaluate(async (url) => (await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: 'v=0' })).status, `/whip/${room}`);
  assert.equal(none, 401);
  await page.evaluate(
    async ([url, authkey]) => {
      const { WHIPClient } = window.packages['@eyevinn/whip-web-client'];
      window.publisher = new WHIPClient({ endpoint: url, opts: { authkey, noTrickleIce: false, iceServers: [] } });
      await window.publisher.setIceServersFromEndpoint();
      await window.publisher.ingest(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
    },
    [`${server.origin}/whip/${room}`, await tokenFor(room, 'encoder')],
  );
  assert.equal((await moderator.next('user-joined')).user, 'encoder');
  await moderator.next('new-producer');
  await moderator.next('new-producer');
  await until('it is connected', () => page.evaluate(() => window.publisher.getICEConnectionState() === 'connected'));

  await page.evaluate(
    async ([url, authKey]) => {
      const { WebRTCPlayer } = window.packages['@eyevinn/webrtc-player'];
      window.video = document.body.appendChild(document.createElement('video'));
      window.video.muted = window.video.autoplay = true;
      window.player = new WebRTCPlayer({ video: window.video, type: 'whep', iceServers: [] });
      await window.player.load(new URL(url), authKey);
    },
    [`${server.origin}/whep/${room}?from=encoder`, `Bearer ${await tokenFor(room, 'player', { canPublish: false })}`],
  );
  await until('a picture that moves', () => page.evaluate(() => window.video.videoWidth > 0 && window.video.currentTime > 1), { deadlineMs: 20_000, everyMs: 100 });

  // Put out by a moderator, the publisher is gone; the player's session goes with its own DELETE.
  await moderator.request('kick-user', { target: 'encoder' });
  await moderator.next('user-left', ({ user }) => user === 'encoder');
  await page.evaluate(() => window.player.unload());
  await moderator.next('user-left', ({ user }) => user === 'player');
  assert.equal(await server.metric('rotunda_whip_sessions'), 0);
  assert.equal(await server.metric('rotunda_whep_sessions'), 0);
  await moderator.close();
});
