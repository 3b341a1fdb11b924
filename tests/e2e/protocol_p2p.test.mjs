// docs/protocol.md, section 4: calls between two people, and a mesh, relayed by the real server.

import { after, before, test } from 'node:test';
import { assert, gather, gotNo, refused } from './expect.mjs';
import { Server } from './harness.mjs';

let server;
before(async () => (server = await Server.start({ args: ['--resume-window', '1'] })));
after(() => server.stop());

const sdp = (type) => ({ type, sdp: `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=${type} "quoted" \\ ü\r\n` });
const candidate = (n) => ({ candidate: `candidate:${n} 1 udp 1 10.0.0.${n} 9 typ host`, sdpMid: '0', sdpMLineIndex: 0 });

test('a call by name: ring, accept, offer, answer, candidates in order, hang up', async () => {
  const [ann, bob, cid] = await gather(server, 'Ann', 'Bob', 'Cid');
  ann.send('call-remote', { target: 'Bob', payload: { video: true } });
  const ring = await bob.next('call-remote');
  assert.deepEqual({ from: ring.from, fromId: ring.fromId, payload: ring.payload }, {
    from: 'Ann',
    fromId: ann.userId,
    payload: { video: true },
  });
  bob.send('accept-call', { target: ring.fromId });
  assert.equal((await ann.next('accept-call')).from, 'Bob');

  ann.send('webrtc-offer', { target: bob.userId, payload: sdp('offer') });
  for (let i = 0; i < 10; i++) ann.send('webrtc-ice-candidate', { target: 'Bob', payload: candidate(i) });
  const offer = await bob.next('webrtc-offer');
  assert.deepEqual(offer.payload, sdp('offer'), 'the payload is passed on as it is');
  assert.equal(offer.fromId, ann.userId);
  assert.equal(offer.from, 'Ann');
  for (let i = 0; i < 10; i++) assert.deepEqual((await bob.next('webrtc-ice-candidate')).payload, candidate(i));
  // Candidates that come before the answer are delivered before it.
  bob.send('webrtc-ice-candidate', { target: 'Ann', payload: candidate(1) });
  bob.send('webrtc-answer', { target: 'Ann', payload: sdp('answer') });
  assert.equal((await ann.first()).type, 'webrtc-ice-candidate');
  const answer = await ann.first();
  assert.equal(answer.type, 'webrtc-answer');
  assert.deepEqual(answer.data.payload, sdp('answer'));

  ann.send('hang-up', { target: 'Bob' });
  assert.equal((await bob.next('hang-up')).fromId, ann.userId);
  for (const type of ['call-remote', 'webrtc-offer', 'webrtc-answer', 'webrtc-ice-candidate', 'hang-up']) await gotNo(cid, type);
});

test('any order of arrival is relayed: an answer without an offer, candidates first', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  const script = ['webrtc-ice-candidate', 'webrtc-answer', 'webrtc-offer', 'webrtc-ice-candidate', 'hang-up', 'webrtc-offer'];
  script.forEach((type, i) => ann.send(type, { target: 'Bob', payload: { i } }));
  for (const [i, type] of script.entries()) {
    const message = await bob.first();
    assert.equal(message.type, type);
    assert.equal(message.data.payload?.i, i);
  }
});

test('a rejected call says so to the caller alone', async () => {
  const [ann, bob, cid] = await gather(server, 'Ann', 'Bob', 'Cid');
  ann.send('call-remote', { target: bob.userId });
  await bob.next('call-remote');
  bob.send('reject-call', { target: 'Ann', payload: { reason: 'busy' } });
  assert.deepEqual((await ann.next('reject-call')).payload, { reason: 'busy' });
  await gotNo(cid, 'reject-call');
});

for (const [what, accepted, end] of [
  ['leaves while it rings', false, (client) => client.request('leave-room')],
  ['leaves in the call', true, (client) => client.request('leave-room')],
  ['vanishes in the call', true, (client) => client.cut()],
]) {
  test(`a participant who ${what} is a hang-up to the other side`, async () => {
    const [ann, bob] = await gather(server, 'Ann', 'Bob');
    ann.send('call-remote', { target: 'Bob' });
    await bob.next('call-remote');
    if (accepted) {
      bob.send('accept-call', { target: 'Ann' });
      await ann.next('accept-call');
    }
    await end(bob);
    assert.equal((await ann.next('hang-up')).fromId, bob.userId);
  });
}

test('no hang-up after the call was ended', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  ann.send('call-remote', { target: 'Bob' });
  await bob.next('call-remote');
  bob.send('reject-call', { target: 'Ann' });
  await ann.next('reject-call');
  await bob.request('leave-room');
  await ann.next('user-left');
  await gotNo(ann, 'hang-up');
});

test('a mesh of four: everyone offers to everyone, by id', async () => {
  const all = await gather(server, 'Ann', 'Bob', 'Cid', 'Dan');
  for (const from of all) {
    for (const to of all) {
      if (to !== from) from.send('webrtc-offer', { target: to.userId, payload: { sdp: `${from.username} to ${to.username}` } });
    }
  }
  for (const to of all) {
    for (const from of all) {
      if (to === from) continue;
      const offer = await to.next('webrtc-offer', ({ fromId }) => fromId === from.userId);
      assert.equal(offer.payload.sdp, `${from.username} to ${to.username}`);
    }
  }
});

test('a target that is not in the room is not found', async () => {
  const [ann] = await gather(server, 'Ann');
  const [bob] = await gather(server, 'Bob');
  for (const type of ['webrtc-offer', 'webrtc-answer', 'webrtc-ice-candidate', 'call-remote', 'accept-call', 'reject-call', 'hang-up']) {
    await refused(ann, 'not-found', type, { target: bob.userId, payload: {} });
    await refused(ann, 'not-found', type, { target: 'Nobody', payload: {} });
    await refused(ann, 'bad-request', type, { payload: {} });
    await refused(ann, 'bad-request', type, { target: 5, payload: {} });
    await gotNo(bob, type);
  }
  for (const type of ['webrtc-offer', 'webrtc-answer', 'webrtc-ice-candidate'])
    await refused(ann, 'bad-request', type, { target: 'Ann' });
});
