// Ids of others, in every request of the protocol that takes one: from somebody in the same room, and from elsewhere. A request
// that is new is tried as soon as it is in the schema.

import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assert, freshRoom, stillServed } from '../e2e/expect.mjs';
import { Client, ROOT, Server } from '../e2e/harness.mjs';
import { AUDIO } from '../e2e/media_kit.mjs';

const { definitions } = JSON.parse(readFileSync(`${ROOT}docs/protocol.schema.json`, 'utf8'));
const DTLS = { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('AA').join(':') }] };
const SCTP = { streamId: 0 };

// Something that fits a member that is no id.
function anything(name, { type, enum: words }) {
  if (name === 'rtpParameters') return AUDIO.rtpParameters;
  if (name === 'dtlsParameters') return DTLS;
  if (name === 'sctpStreamParameters') return SCTP;
  if (words) return words[0];
  return { boolean: true, integer: 1, number: 1, object: {}, array: [] }[Array.isArray(type) ? type[0] : type] ?? 'x';
}

function requestsWith(ids) {
  const list = [];
  for (const [type, { properties }] of Object.entries(definitions)) {
    const { properties: members, required = [] } = properties?.data ?? {};
    if (properties?.type?.const !== type || !members || !required.some((name) => name in ids)) continue;
    const wanted = Object.keys(members).filter((name) => name in ids || required.includes(name));
    list.push([type, Object.fromEntries(wanted.map((name) => [name, ids[name] ?? anything(name, members[name])]))]);
  }
  return list;
}

// What is meant for others, and reaches those in the same room.
const TO_OTHERS = ['webrtc-offer', 'webrtc-answer', 'webrtc-ice-candidate', 'call-remote', 'accept-call', 'reject-call', 'hang-up'];

test('ids of others are good for nothing, in any request', { timeout: 60_000 }, async (t) => {
  const server = await Server.startFor(t, { args: ['--log-level', 'warn'] });
  const roomId = freshRoom();
  const [ann, mate, stranger] = [await Client.join(server, roomId, 'Ann'), await Client.join(server, roomId, 'Mate'), await Client.join(server, freshRoom(), 'Eve')];
  const { id: transportId } = await ann.request('create-transport', { direction: 'send', enableSctp: true });
  const { producerId } = await ann.request('produce', { transportId, ...AUDIO });
  const { dataProducerId } = await ann.request('produce-data', { transportId, label: 'l', sctpStreamParameters: SCTP });
  const { id: receives } = await ann.request('create-transport', { direction: 'recv' });
  await mate.request('create-transport', { direction: 'recv', enableSctp: true });
  const { id: theirs } = await mate.request('create-transport', { direction: 'send' });
  const { producerId: other } = await mate.request('produce', { transportId: theirs, kind: 'audio', rtpParameters: { ...AUDIO.rtpParameters, encodings: [{ ssrc: 2222 }] } });
  const { id: consumerId } = await ann.request('consume', { producerId: other, transportId: receives, rtpCapabilities: ann.joined.routerRtpCapabilities });
  const ids = { transportId, producerId, consumerId, dataProducerId, dataConsumerId: dataProducerId, target: ann.userId };
  const requests = requestsWith(ids);
  assert.ok(requests.length > 25, `${requests.length} requests take an id`);
  const codes = new Set(['not-found', 'forbidden', 'wrong-state', 'unsupported']);
  for (const [who, client] of Object.entries({ mate, stranger }))
    for (const [type, data] of requests) {
      if (who === 'mate' && (TO_OTHERS.includes(type) || /^consume/.test(type))) continue; // theirs to get
      const answer = await client.answer(type, data);
      assert.ok(answer.type === 'error' && codes.has(answer.data.code), `${type} by ${who}: ${JSON.stringify(answer)}`);
    }
  // And nothing has happened to whose they are.
  await ann.request('pause-producer', { producerId });
  await ann.request('pause-consumer', { consumerId });
  await ann.request('close-data-producer', { dataProducerId });
  await ann.request('close-transport', { transportId });
  await stillServed(ann);
});
