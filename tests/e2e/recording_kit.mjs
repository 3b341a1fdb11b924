// A call on the page that is recorded by the page's button, and what FFmpeg says of its files.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { WebhookReceiver } from 'livekit-server-sdk';
import { Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Server, until } from './harness.mjs';
import { KEY, tokenOf } from './plain_kit.mjs';

const run = promisify(execFile);

// A server that records into a folder, and what its webhook tells. `end` stops it. layout: `track`, or `participant`.
export async function openStudio({ layout = 'track' } = {}) {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-studio-`);
  writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
  const told = [];
  const receiver = new WebhookReceiver(...KEY);
  const hook = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += data));
    request.on('end', async () => {
      await receiver.receive(body, request.headers.authorization);
      told.push(JSON.parse(body));
      response.end();
    });
  });
  await new Promise((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const server = await Server.start({ args: ['--keys', `${folder}/keys`, '--record-dir', folder, '--record-layout', layout, '--webhook', `http://127.0.0.1:${hook.address().port}/`] });
  const end = async () => {
    await server.stop();
    hook.close();
    hook.closeAllConnections();
    rmSync(folder, { recursive: true });
  };
  return { server, told, layout, end };
}

async function enters({ browser, studio }, room, name, more, options) {
  const person = await Person.open(browser, name);
  const token = tokenOf({ sub: name, video: { room, roomJoin: true, ...more } });
  const query = new URLSearchParams({ room, name, auto: '1', width: '320', height: '180', fps: '15', ...options });
  await person.page.goto(`${studio.server.origin}/?${query}#token=${token}`);
  await person.inCall();
  return person;
}

// As a screen reader has it: a status, by its words.
const isTold = (person, wanted) =>
  until(`${person.name} ${wanted ? 'is' : 'is not'} told`, async () => (await person.page.getByRole('status').filter({ hasText: 'Being recorded' }).count()) === Number(wanted));

// What a file holds: each stream's codec, decoded frames and length; throws what FFmpeg complains of.
export async function probe(file) {
  const { stdout, stderr } = await run('ffprobe', ['-v', 'warning', '-count_frames', '-show_streams', '-show_packets', '-show_entries', 'packet=stream_index,pts_time', '-of', 'json', file]);
  const decoded = await run('ffmpeg', ['-v', 'warning', '-i', file, '-fps_mode', 'passthrough', '-enc_time_base:v', '1:90000', '-f', 'null', '-']);
  assert.equal(stderr + decoded.stderr, '', `${file}: ${(stderr + decoded.stderr).slice(0, 500)}`);
  const { streams, packets } = JSON.parse(stdout);
  return streams.map((stream) => {
    const times = packets.filter(({ stream_index: index }) => index === stream.index).map(({ pts_time: time }) => Number(time));
    return {
      kind: stream.codec_type,
      codec: stream.codec_name,
      frames: Number(stream.nb_read_frames),
      width: stream.width,
      begins: Math.min(...times),
      seconds: Math.max(...times) - Math.min(...times),
    };
  });
}

// Ann records by the button of the page, for so many seconds of media; Bob sees that it is done. Resolves to what is in
// Ann's files; `begins` and `seconds` of sound and picture are compared.
export async function recordsByButton(world, { codec, seconds = 2 } = {}) {
  const { studio } = world;
  const room = freshRoom();
  const ann = await enters(world, room, 'Ann', { roomRecord: true }, codec ? { codec } : {});
  const bob = await enters(world, room, 'Bob', {}, {});
  await bob.seesAndHears('Ann');
  await isTold(bob, false);
  await bob.click('people');
  await bob.has('#record', false);
  await ann.click('people');
  await ann.click('record');
  for (const person of [ann, bob]) {
    await person.has('#recording');
    await isTold(person, true);
  }
  await bob.screenshot(`recording-${codec ?? 'preset'}`);
  const started = await until('egress_started', () => studio.told.find(({ event, egressInfo }) => event === 'egress_started' && egressInfo.roomName === room));
  const { folder, egressId } = started.egressInfo;
  const events = () => readFileSync(`${folder}/events.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const filesOfOne = studio.layout === 'participant' ? 1 : 2;
  await until('all are in files', () => events().filter(({ event }) => event === 'file-opened').length === 2 * filesOfOne, { deadlineMs: 15_000 }).catch((error) => {
    throw new Error(`${error.message}\n${events().map((event) => JSON.stringify(event)).join('\n')}`);
  });
  await ann.evaluate((ms) => new Promise((resolve) => setTimeout(resolve, ms)), seconds * 1000); // what is recorded is time
  await ann.click('record');
  for (const person of [ann, bob]) {
    await person.has('#recording', false);
    await isTold(person, false);
  }
  const ended = await until('egress_ended', () => studio.told.find(({ event, egressInfo }) => event === 'egress_ended' && egressInfo.egressId === egressId));
  assert.equal(ended.egressInfo.status, 'EGRESS_COMPLETE');
  for (const person of [ann, bob]) {
    assert.deepEqual(person.errors, []);
    await person.page.close();
  }
  const all = events();
  assert.deepEqual(all.filter(({ event }) => event === 'track-unusable' || event === 'refused'), []);
  const files = all.filter(({ event, name }) => event === 'file-opened' && name === 'Ann').map(({ file }) => `${folder}/${file}`);
  assert.equal(files.length, filesOfOne);
  const streams = (await Promise.all(files.map(probe))).flat();
  const [sound, picture] = ['audio', 'video'].map((kind) => streams.find((stream) => stream.kind === kind));
  assert.equal(streams.length, 2, JSON.stringify(streams));
  assert.equal(sound.codec, 'opus');
  for (const stream of [sound, picture]) assert.ok(stream.seconds >= seconds - 1 && stream.seconds < seconds + 10, JSON.stringify(stream));
  assert.ok(picture.frames >= 3 * seconds && picture.width === 320, JSON.stringify(picture));
  assert.ok(Math.abs(sound.begins + sound.seconds - picture.begins - picture.seconds) < 0.5, 'they end together');
  return { sound, picture };
}
