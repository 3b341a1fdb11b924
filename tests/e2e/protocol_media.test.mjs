// docs/protocol.md, section 3, against the real server: the signalling of media, without media.

import { after, before, test } from 'node:test';
import { assert, gather, gotNo, refused } from './expect.mjs';
import { Client, Server } from './harness.mjs';
import { audioParameters, capabilitiesOf, dtlsParameters, videoParameters } from './media_kit.mjs';

let server;
before(async () => {
  const args = ['--transports-max', '3', '--producers-max', '4', '--resume-window', '1', '--message-rate-max', '500'];
  server = await Server.start({ args });
});
after(() => server.stop());

async function sendTransport(client) {
  return (await client.request('create-transport', { direction: 'send' })).id;
}

async function produce(client, transportId, more = {}) {
  return client.request('produce', { transportId, kind: 'video', rtpParameters: videoParameters(), ...more });
}

// Ann sends video, Bob receives it.
async function watching(more = {}) {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  const produced = await produce(ann, await sendTransport(ann), more);
  await bob.next('new-producer');
  const recv = await bob.request('create-transport', { direction: 'recv' });
  const consumed = await bob.request('consume', {
    producerId: produced.id,
    transportId: recv.id,
    rtpCapabilities: capabilitiesOf(bob.joined),
    paused: true,
  });
  return { ann, bob, produced, recv, consumed };
}

test('create-transport gives all that a client needs', async () => {
  const [ann] = await gather(server, 'Ann');
  for (const direction of ['send', 'recv']) {
    const transport = await ann.request('create-transport', { direction });
    assert.equal(transport.direction, direction);
    assert.ok(transport.id.length >= 16);
    const { usernameFragment, password, iceLite } = transport.iceParameters;
    assert.match(usernameFragment, /^[A-Za-z0-9+/]{4,256}$/);
    assert.match(password, /^[A-Za-z0-9+/]{22,256}$/);
    assert.equal(iceLite, true);
    const [candidate] = transport.iceCandidates;
    assert.equal(candidate.ip, '127.0.0.1');
    assert.equal(candidate.address, '127.0.0.1');
    assert.equal(candidate.port, server.mediaPort);
    assert.equal(candidate.protocol, 'udp');
    assert.equal(candidate.type, 'host');
    assert.ok(Number.isInteger(candidate.priority) && typeof candidate.foundation === 'string');
    const last = transport.dtlsParameters.fingerprints.at(-1);
    assert.equal(last.algorithm, 'sha-256');
    assert.match(last.value, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert.ok(Array.isArray(transport.iceServers));
  }
  for (const data of [{}, { direction: 'both' }, { direction: 1 }]) await refused(ann, 'bad-request', 'create-transport', data);
});

test('connect-transport works once', async () => {
  const [ann] = await gather(server, 'Ann');
  const transportId = await sendTransport(ann);
  for (const bad of [undefined, {}, { role: 'boss', fingerprints: [] }, { fingerprints: [{ algorithm: 'sha-256', value: 'AA' }] }, 5])
    await refused(ann, 'bad-request', 'connect-transport', { transportId, dtlsParameters: bad });
  const md5 = { fingerprints: [{ algorithm: 'md5', value: 'AA' }] };
  await refused(ann, 'unsupported', 'connect-transport', { transportId, dtlsParameters: md5 });
  const answer = await ann.answer('connect-transport', { transportId, dtlsParameters: dtlsParameters() });
  assert.equal(answer.type, 'transport-connected');
  assert.deepEqual(answer.data, { transportId });
  await refused(ann, 'wrong-state', 'connect-transport', { transportId, dtlsParameters: dtlsParameters() });
});

test('a producer is announced, paused, resumed, and closed', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  const transportId = await sendTransport(ann);
  const answer = await ann.answer('produce', {
    transportId,
    kind: 'video',
    rtpParameters: videoParameters(),
    appData: { source: 'camera' },
  });
  assert.equal(answer.type, 'produced');
  const { id: producerId, type } = answer.data;
  assert.equal(answer.data.producerId, producerId);
  assert.equal(answer.data.kind, 'video');
  assert.deepEqual(await bob.next('new-producer'), {
    producerId,
    userId: ann.userId,
    user: 'Ann',
    kind: 'video',
    type,
    paused: false,
    appData: { source: 'camera' },
  });
  await gotNo(ann, 'new-producer');
  for (const [request, told] of [['pause-producer', 'producer-paused'], ['resume-producer', 'producer-resumed']]) {
    assert.equal((await ann.answer(request, { producerId })).type, told);
    assert.deepEqual(await bob.next(told), { producerId, userId: ann.userId });
    const cid = await Client.join(server, ann.joined.roomId, `Cid ${request}`);
    assert.equal(cid.joined.producers.find((p) => p.producerId === producerId).paused, request === 'pause-producer');
    await cid.request('leave-room');
  }
  assert.equal((await ann.answer('close-producer', { producerId })).type, 'producer-closed');
  assert.deepEqual(await bob.next('producer-closed'), { producerId, userId: ann.userId });
  await refused(ann, 'not-found', 'close-producer', { producerId });
  const dan = await Client.join(server, ann.joined.roomId, 'Dan');
  assert.deepEqual(dan.joined.producers, []);
});

test('kinds of producers are told apart', async () => {
  const [ann] = await gather(server, 'Ann');
  const transportId = await sendTransport(ann);
  const simulcast = await produce(ann, transportId, { rtpParameters: videoParameters({ mid: '5', ridCount: 3 }) });
  assert.equal(simulcast.type, 'simulcast');
  const audio = await produce(ann, transportId, { kind: 'audio', rtpParameters: audioParameters() });
  assert.equal(audio.type, 'simple');
  assert.equal(audio.kind, 'audio');
  for (const [mid, mimeType, parameters] of [
    ['6', 'video/VP9', { 'profile-id': 0 }],
    ['7', 'video/H264', { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 }],
  ])
    await produce(ann, transportId, { rtpParameters: videoParameters({ mid, mimeType, parameters }) });
});

test('an impossible produce is refused and leaves no trace', async () => {
  const [ann, bob] = await gather(server, 'Ann', 'Bob');
  const transportId = await sendTransport(ann);
  const recv = (await ann.request('create-transport', { direction: 'recv' })).id;
  const rtpParameters = videoParameters();
  const good = { transportId, kind: 'video', rtpParameters };
  const cases = [
    ['bad-request', { ...good, kind: 'smell' }],
    ['bad-request', { ...good, rtpParameters: undefined }],
    ['bad-request', { ...good, rtpParameters: 'x' }],
    ['bad-request', { ...good, rtpParameters: { ...rtpParameters, codecs: [] } }],
    ['bad-request', { ...good, rtpParameters: { ...rtpParameters, encodings: [{ ssrc: 'x' }] } }],
    ['bad-request', { ...good, rtpParameters: { ...rtpParameters, codecs: [{ mimeType: 'video/VP8' }] } }],
    ['unsupported', { ...good, rtpParameters: videoParameters({ mimeType: 'video/H266' }) }],
    ['not-found', { ...good, transportId: 'no-such-transport' }],
    ['bad-request', { ...good, transportId: 17 }],
    ['bad-request', { ...good, transportId: recv }],
  ];
  for (const [code, data] of cases) await refused(ann, code, 'produce', data);
  await gotNo(bob, 'new-producer');
  await produce(ann, transportId, { rtpParameters });
  const twice = await ann.answer('produce', good);
  assert.equal(twice.type, 'error', 'the same mid and SSRC cannot be produced twice');
});

test('a mid can be used again after its producer was closed', async () => {
  const [ann] = await gather(server, 'Ann');
  const transportId = await sendTransport(ann);
  const { id } = await produce(ann, transportId);
  ann.send('close-producer', { producerId: id });
  await produce(ann, transportId);
});

test('a consumer is made for this receiver and says where it comes from', async () => {
  const { ann, consumed, produced } = await watching();
  assert.equal(consumed.producerId, produced.id);
  assert.equal(consumed.userId, ann.userId);
  assert.equal(consumed.user, 'Ann');
  assert.equal(consumed.kind, 'video');
  assert.equal(consumed.paused, true);
  assert.equal(consumed.producerPaused, false);
  const { mid, codecs, encodings, headerExtensions, rtcp } = consumed.rtpParameters;
  assert.equal(mid, '0');
  assert.deepEqual(codecs.map(({ mimeType }) => mimeType), ['video/VP8', 'video/rtx']);
  assert.equal(codecs[1].parameters.apt, codecs[0].payloadType);
  assert.equal(encodings.length, 1);
  assert.ok(encodings[0].ssrc > 0 && encodings[0].rtx.ssrc > 0);
  assert.ok(headerExtensions.some(({ uri, id }) => uri === 'urn:ietf:params:rtp-hdrext:sdes:mid' && id === 1));
  assert.ok(rtcp.cname.length > 0);
});

test('consumers are paused, resumed, prioritised, and closed; their owner hears of the producer', async () => {
  const { ann, bob, consumed, produced } = await watching();
  const { id: consumerId } = consumed;
  for (const [request, data, answer] of [
    ['resume-consumer', {}, 'consumer-resumed'],
    ['pause-consumer', {}, 'consumer-paused'],
    ['pause-consumer', {}, 'consumer-paused'],
    ['set-preferred-layers', { spatialLayer: 0, temporalLayer: 0 }, 'preferred-layers-set'],
    ['set-preferred-layers', { spatialLayer: 1 }, 'preferred-layers-set'],
    ['set-priority', { priority: 255 }, 'priority-set'],
    ['set-max-bitrate', { maxBitrate: 400000 }, 'max-bitrate-set'],
    ['set-max-bitrate', { maxBitrate: 0 }, 'max-bitrate-set'],
    ['request-key-frame', {}, 'key-frame-requested'],
  ]) {
    const got = await bob.answer(request, { consumerId, ...data });
    assert.equal(got.type, answer, JSON.stringify(got));
  }
  for (const [request, data] of [
    ['set-priority', { priority: 0 }],
    ['set-priority', { priority: 256 }],
    ['set-priority', { priority: 'high' }],
    ['set-max-bitrate', {}],
    ['set-max-bitrate', { maxBitrate: -1 }],
    ['set-max-bitrate', { maxBitrate: 1, transportId: 'both' }],
    ['set-preferred-layers', {}],
    ['set-preferred-layers', { spatialLayer: -1 }],
    ['set-preferred-layers', { spatialLayer: '1' }],
  ])
    await refused(bob, 'bad-request', request, { consumerId, ...data });
  await ann.request('pause-producer', { producerId: produced.id });
  await bob.next('producer-paused');
  const stats = await bob.request('get-stats', { consumerId });
  assert.ok(Array.isArray(stats.stats) && stats.stats.length > 0);
  assert.equal((await bob.answer('close-consumer', { consumerId })).type, 'consumer-closed');
  for (const request of ['resume-consumer', 'close-consumer', 'request-key-frame', 'get-stats'])
    await refused(bob, 'not-found', request, { consumerId });
});

test('an impossible consume is refused', async () => {
  const { ann, bob, produced, recv } = await watching();
  const good = { producerId: produced.id, transportId: recv.id, rtpCapabilities: capabilitiesOf(bob.joined) };
  const audioOnly = { codecs: bob.joined.routerRtpCapabilities.codecs.filter(({ kind }) => kind === 'audio'), headerExtensions: [] };
  const send = await sendTransport(bob);
  for (const [code, data] of [
    ['not-found', { ...good, producerId: 'none' }],
    ['not-found', { ...good, transportId: 'none' }],
    ['bad-request', { ...good, producerId: undefined }],
    ['bad-request', { ...good, rtpCapabilities: 'all' }],
    ['unsupported', { ...good, rtpCapabilities: audioOnly }],
    ['bad-request', { ...good, transportId: send }],
  ])
    await refused(bob, code, 'consume', data);
  const cid = await Client.join(server, ann.joined.roomId, 'Cid');
  const own = await cid.request('create-transport', { direction: 'recv' });
  await refused(cid, 'bad-request', 'consume', { producerId: produced.id, transportId: own.id });
  const [stranger] = await gather(server, 'Stranger');
  const foreign = await stranger.request('create-transport', { direction: 'recv' });
  await refused(stranger, 'not-found', 'consume', { ...good, transportId: foreign.id });
});

test('capabilities given at the join need not be given again', async () => {
  const [ann] = await gather(server, 'Ann');
  const { id: producerId } = await produce(ann, await sendTransport(ann));
  const rtpCapabilities = capabilitiesOf(ann.joined);
  const bob = await Client.join(server, ann.joined.roomId, 'Bob', { rtpCapabilities });
  await bob.request('create-transport', { direction: 'recv' });
  const consumed = await bob.request('consume', { producerId });
  assert.equal(consumed.paused, false);
});

test('MIDs of one transport are never used twice', async () => {
  const { bob, consumed, produced, recv } = await watching();
  const seen = new Set([consumed.rtpParameters.mid]);
  let consumerId = consumed.id;
  for (let i = 0; i < 3; i++) {
    await bob.request('close-consumer', { consumerId });
    const next = await bob.request('consume', {
      producerId: produced.id,
      transportId: recv.id,
      rtpCapabilities: capabilitiesOf(bob.joined),
      paused: true,
    });
    assert.ok(!seen.has(next.rtpParameters.mid), `mid ${next.rtpParameters.mid} was used before`);
    seen.add(next.rtpParameters.mid);
    consumerId = next.id;
  }
});

test('what belongs to others cannot be touched', async () => {
  const { ann, bob, produced, recv, consumed } = await watching();
  const producerId = produced.id;
  const consumerId = consumed.id;
  const transportId = recv.id;
  for (const request of ['pause-producer', 'resume-producer', 'close-producer']) await refused(bob, 'not-found', request, { producerId });
  for (const [request, data] of [
    ['pause-consumer', { consumerId }],
    ['resume-consumer', { consumerId }],
    ['close-consumer', { consumerId }],
    ['set-preferred-layers', { consumerId, spatialLayer: 0 }],
    ['set-priority', { consumerId, priority: 1 }],
    ['set-max-bitrate', { consumerId, maxBitrate: 1 }],
    ['set-max-bitrate', { transportId, maxBitrate: 1 }],
    ['request-key-frame', { consumerId }],
    ['get-stats', { consumerId }],
    ['get-stats', { transportId }],
    ['restart-ice', { transportId }],
    ['close-transport', { transportId }],
    ['connect-transport', { transportId, dtlsParameters: dtlsParameters() }],
  ])
    await refused(ann, 'not-found', request, data);
  assert.equal((await bob.answer('resume-consumer', { consumerId })).type, 'consumer-resumed');
});

test('closing takes along what hangs on it', async () => {
  const { ann, bob, produced, recv, consumed } = await watching();
  assert.equal((await ann.answer('close-producer', { producerId: produced.id })).type, 'producer-closed');
  await bob.next('producer-closed');
  await refused(bob, 'not-found', 'resume-consumer', { consumerId: consumed.id });
  const answer = await bob.answer('close-transport', { transportId: recv.id });
  assert.equal(answer.type, 'transport-closed');
  await refused(bob, 'not-found', 'restart-ice', { transportId: recv.id });

  const again = await watching();
  const send = await again.ann.request('create-transport', { direction: 'send' });
  const { id: producerId } = await produce(again.ann, send.id, { rtpParameters: videoParameters({ mid: '9' }) });
  await again.bob.next('new-producer');
  await again.ann.request('close-transport', { transportId: send.id });
  await again.bob.next('producer-closed', (data) => data.producerId === producerId);
  again.ann.cut();
  await again.bob.next('user-left');
  await refused(again.bob, 'not-found', 'resume-consumer', { consumerId: again.consumed.id });
});

test('ICE restarts with new credentials', async () => {
  const [ann] = await gather(server, 'Ann');
  const transport = await ann.request('create-transport', { direction: 'send' });
  const answer = await ann.answer('restart-ice', { transportId: transport.id });
  assert.equal(answer.type, 'ice-restarted');
  assert.equal(answer.data.transportId, transport.id);
  assert.notEqual(answer.data.iceParameters.usernameFragment, transport.iceParameters.usernameFragment);
  assert.notEqual(answer.data.iceParameters.password, transport.iceParameters.password);
  assert.ok(answer.data.iceCandidates.length > 0);
});

test('get-stats answers for transports, producers and consumers', async () => {
  const { ann, bob, produced, recv, consumed } = await watching();
  const [transport] = (await bob.request('get-stats', { transportId: recv.id })).stats;
  for (const field of ['bytesReceived', 'bytesSent', 'iceState', 'dtlsState', 'timestamp'])
    assert.ok(field in transport, `${field} in ${JSON.stringify(transport)}`);
  assert.ok(Array.isArray((await ann.request('get-stats', { producerId: produced.id })).stats));
  const [outbound] = (await bob.request('get-stats', { consumerId: consumed.id })).stats;
  assert.equal(outbound.type, 'outbound-rtp');
  assert.equal(outbound.kind, 'video');
  await refused(bob, 'bad-request', 'get-stats', {});
});

test('each participant has its limits', async () => {
  const [ann] = await gather(server, 'Ann');
  const transportId = await sendTransport(ann);
  for (let i = 0; i < 2; i++) await sendTransport(ann);
  await refused(ann, 'limit-reached', 'create-transport', { direction: 'send' });
  for (let i = 0; i < 4; i++) await produce(ann, transportId, { rtpParameters: videoParameters({ mid: `m${i}` }) });
  await refused(ann, 'limit-reached', 'produce', { transportId, kind: 'video', rtpParameters: videoParameters({ mid: 'm9' }) });
});
