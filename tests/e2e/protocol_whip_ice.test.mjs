// WHIP and WHEP where transports have full ICE agents (docs/whip.md): who gets one, the answer that waits for its
// addresses, candidates and restarts by PATCH.

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assert, freshRoom } from './expect.mjs';
import { ROOT, Server, until } from './harness.mjs';

const FRAGMENT = 'application/trickle-ice-sdpfrag';
const LINE = 'a=candidate:1 1 udp 5 127.0.0.1 50000 typ host\r\n';
const NEW = 'a=ice-ufrag:another\r\na=ice-pwd:0123456789012345678901\r\n';
const vector = (name) => readFileSync(`${ROOT}tests/vectors/sdp/${name}.sdp`, 'utf8').replaceAll(/a=candidate:.*\r\n/g, '');
const candidatesOf = (text) => [...text.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) \d+ typ (\w+)/gm)].map(([, address, type]) => `${type} ${address}`);

async function post(server, path, offer) {
  const response = await fetch(`${server.origin}${path}`, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: offer });
  const location = response.headers.get('location');
  return { status: response.status, text: await response.text(), etag: response.headers.get('etag'), url: location && `${server.origin}${location}` };
}

async function patch(url, etag, body) {
  const response = await fetch(url, { method: 'PATCH', headers: { 'Content-Type': FRAGMENT, 'If-Match': etag }, body });
  return { status: response.status, text: await response.text(), etag: response.headers.get('etag') };
}

test('with `ice = full` a publisher and a viewer get a full agent, and trickle and restart by PATCH', async (t) => {
  const server = await Server.startFor(t, { args: ['--ice', 'full', '--ice-peers', '127.0.0.0/8'] });
  const room = freshRoom();
  const published = await post(server, `/whip/${room}?name=Ann`, vector('chromium-publish'));
  const watched = await post(server, `/whep/${room}?from=Ann&name=Bob`, vector('chromium-view'));
  for (const { status, text } of [published, watched]) {
    assert.equal(status, 201, text);
    assert.doesNotMatch(text, /a=ice-lite/);
    assert.deepEqual(candidatesOf(text), ['host 127.0.0.1'], text);
    assert.match(text, /a=end-of-candidates/);
  }
  assert.equal(await server.metric('rotunda_ice_full_transports'), 2);
  const { url, etag } = published;
  assert.equal((await patch(url, etag, `a=mid:0\r\n${LINE}`)).status, 204);
  assert.equal((await patch(url, etag, 'a=mid:0\r\na=candidate:nonsense\r\n')).status, 400);
  assert.equal((await patch(url, '*', `${NEW}a=mid:0\r\na=candidate:nonsense\r\n`)).status, 400);
  const restarted = await patch(url, '*', `${NEW}a=mid:0\r\n${LINE}`);
  assert.equal(restarted.status, 200);
  assert.notEqual(restarted.etag, etag);
  assert.deepEqual(candidatesOf(restarted.text), ['host 127.0.0.1']);
  assert.doesNotMatch(restarted.text, /a=ice-lite/);
  assert.equal((await patch(url, etag, `a=mid:0\r\n${LINE}`)).status, 412);
  assert.equal((await patch(url, restarted.etag, `${NEW}a=mid:0\r\n${LINE}`)).status, 204);
  await until('the agent has three candidates', async () => (await server.metric('rotunda_ice_candidates_total')) === 3);
  for (const each of [watched, published]) assert.equal((await fetch(each.url, { method: 'DELETE' })).status, 200);
  assert.equal(await server.metric('rotunda_ice_full_transports'), 0);
});

test('an answer does not wait for a STUN server that is mute, and who goes meanwhile leaves nothing', async (t) => {
  const mute = createSocket('udp4');
  await new Promise((resolve) => mute.bind(0, '127.0.0.1', resolve));
  t.after(() => mute.close());
  const asked = new Promise((resolve) => mute.once('message', resolve));
  const server = await Server.startFor(t, { args: ['--ice', 'full', '--ice-stun', `127.0.0.1:${mute.address().port}`] });
  const room = freshRoom();
  const left = new AbortController();
  const gone = fetch(`${server.origin}/whip/${room}?name=Bob`, { method: 'POST', signal: left.signal, headers: { 'Content-Type': 'application/sdp' }, body: vector('firefox-publish') });
  await asked;
  left.abort();
  await assert.rejects(gone);
  const published = await post(server, `/whip/${room}?name=Ann`, vector('chromium-publish'));
  assert.equal(published.status, 201, published.text);
  assert.deepEqual(candidatesOf(published.text), ['host 127.0.0.1']);
  assert.doesNotMatch(published.text, /a=end-of-candidates/);
  assert.equal(await server.metric('rotunda_whip_sessions'), 1);
  assert.equal(await server.metric('rotunda_ice_full_transports'), 1);
});

test('with `ice = auto` those alone get one who are ICE-lite themselves', async (t) => {
  const server = await Server.startFor(t, { args: ['--ice', 'auto', '--ice-agents-per-room', '1'] });
  const room = freshRoom();
  const full = await post(server, `/whip/${room}?name=Ann`, vector('chromium-publish'));
  assert.match(full.text, /a=ice-lite/);
  const lite = (name) => post(server, `/whip/${room}?name=${name}`, vector('chromium-publish').replace('t=0 0\r\n', 't=0 0\r\na=ice-lite\r\n'));
  const found = await lite('Bob');
  assert.equal(found.status, 201, found.text);
  assert.doesNotMatch(found.text, /a=ice-lite|a=candidate/);
  const refused = await lite('Cyd');
  assert.equal(refused.status, 503, refused.text);
  assert.match(refused.text, /ice-agents-per-room, 1/);
  assert.equal(await server.metric('rotunda_ice_agents_refused_room_total'), 1);
});
