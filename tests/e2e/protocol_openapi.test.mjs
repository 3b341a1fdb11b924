// docs/openapi.json: a validator takes it, it names the paths that the server has and no others, and what the server
// answers is of the kind that it says.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import { AccessToken } from 'livekit-server-sdk';
import { assert, freshRoom } from './expect.mjs';
import { Client, ROOT, Server } from './harness.mjs';
import { operator } from './plain_kit.mjs';

const KEY = ['devkey', '0123456789abcdef0123456789abcdef'];
const DOCUMENT = JSON.parse(readFileSync(`${ROOT}docs/openapi.json`, 'utf8'));

test('a validator takes the document', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(DOCUMENT));
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(DOCUMENT.openapi, '3.1.0');
});

test('it names the paths that the server has', () => {
  const source = readFileSync(`${ROOT}server/admin/admin_call.c`, 'utf8');
  const rows = [...source.matchAll(/\{"(GET|POST|PATCH|DELETE)", "([^"]+)",/g)].map(([, method, path]) => `${method} /api/v1/${path}`);
  const named = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
    Object.keys(item).filter((key) => key !== 'parameters').map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.ok(rows.length > 8);
  assert.deepEqual(named.sort(), rows.sort());
});

test('answers are of the kind that it says', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-openapi-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
  const server = await Server.startFor(t, { args: ['--keys', `${folder}/keys`, '--plain-ports', '39000-39099', '--record-dir', folder] });
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'document', ...DOCUMENT });
  const room = freshRoom();
  const tokenFor = async (identity, grant) => {
    const token = new AccessToken(...KEY, { identity, metadata: 'of theirs' });
    token.addGrant(grant);
    return token.toJwt();
  };
  const ann = await Client.join(server, room, 'ann', { token: await tokenFor('ann', { roomJoin: true, room }) });
  const { id } = await ann.request('create-transport', { direction: 'send' });
  const codecs = [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2 }];
  const rtpParameters = { mid: '0', codecs, encodings: [{ ssrc: 1 }], rtcp: { cname: 'c' } };
  const { producerId } = await ann.request('produce', { transportId: id, kind: 'audio', rtpParameters });
  const token = await tokenFor('manager', { roomCreate: true, roomList: true, roomAdmin: true, room });

  const at = { room, identity: 'ann', trackSid: producerId };
  const bodies = {
    createRoom: { name: 'made', maxParticipants: 3 },
    sendData: { data: 'aGk=', topic: 'x' },
    updateParticipant: { permission: { canPublish: true, canSubscribe: true }, attributes: { seat: '3' } },
    muteTrack: { muted: true },
  };
  const order = ['createRoom', 'listRooms', 'getRoom', 'listParticipants', 'getParticipant', 'muteTrack', 'updateParticipant', 'sendData', 'removeParticipant', 'deleteRoom'];
  const operations = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
    Object.entries(item).filter(([key]) => key !== 'parameters').map(([method, operation]) => ({ path, method, ...operation })),
  );
  const check = (operation, status, json) => {
    const where = `#/paths/${operation.path.replaceAll('/', '~1')}/${operation.method}/responses/${status}/content/application~1json/schema`;
    const validate = ajv.compile({ $ref: `document${encodeURI(where)}` });
    assert.ok(validate(json), `${operation.operationId}, ${status}: ${JSON.stringify(validate.errors)} of ${JSON.stringify(json)}`);
  };
  const ask = async ({ path, method, operationId }, authorization, members = at) => {
    const url = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(members[name] ?? 'none'));
    const body = bodies[operationId] && JSON.stringify(bodies[operationId]);
    const headers = { ...(authorization && { authorization: `Bearer ${authorization}` }), ...(body && { 'content-type': 'application/json' }) };
    const answer = await server.fetch(url, { method: method.toUpperCase(), headers, body });
    return { status: answer.status, json: await answer.json() };
  };
  for (const operation of operations) {
    const { status, json } = await ask(operation, null);
    assert.equal(status, 401, operation.operationId);
    check(operation, 401, json);
  }
  for (const name of order) {
    const operation = operations.find(({ operationId }) => operationId === name);
    const { status, json } = await ask(operation, token);
    assert.equal(status, 200, `${name}: ${JSON.stringify(json)}`);
    check(operation, 200, json);
  }
  // Operators' own.
  const plain = { room: freshRoom() };
  const asOperator = async (name, body) => {
    const operation = operations.find(({ operationId }) => operationId === name);
    bodies[name] = body;
    const { status, json } = await ask(operation, operator(), plain);
    assert.equal(status, 200, `${name}: ${JSON.stringify(json)}`);
    check(operation, 200, json);
    return json;
  };
  const opens = (more) => asOperator('openPlainTransport', { rtcpMux: true, ...more });
  plain.transport = (await opens({ name: 'one', direction: 'send', comedia: true })).id;
  const produced = await asOperator('producePlain', { kind: 'audio', rtpParameters });
  const [sender] = [plain.transport];
  const srtpParameters = { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64: 'A'.repeat(38) };
  plain.transport = (await opens({ name: 'two', direction: 'recv', ip: '127.0.0.1', port: 9, srtpParameters })).id;
  await asOperator('consumePlain', { producerId: produced.producerId });
  await asOperator('listPlainTransports');
  await asOperator('closePlainTransport');
  plain.transport = sender;
  await asOperator('closePlainTransport');
  const joined = await Client.join(server, plain.room, 'bob', { token: await tokenFor('bob', { roomJoin: true, room: plain.room }) });
  plain.recording = (await asOperator('record', {})).egressId;
  await joined.next('recording-changed');
  await asOperator('listRecordings');
  await asOperator('stopRecording');
  const denied = await ask(operations.find(({ operationId }) => operationId === 'drain'), token);
  assert.equal(denied.status, 403);
  const gone = operations.find(({ operationId }) => operationId === 'getRoom');
  const missing = await ask(gone, token);
  assert.equal(missing.status, 404);
  check(gone, 404, missing.json);
  for (const [method, body] of [['PUT', ''], ['POST', 'x'.repeat(60_000)]]) {
    const answer = await server.fetch('/api/v1/rooms', { method, body });
    check(operations.find(({ operationId }) => operationId === 'createRoom'), 'default', await answer.json());
  }
});
