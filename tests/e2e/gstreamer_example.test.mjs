// examples/gstreamer/room.c, compiled as it stands: one publishes into a room with a token, one watches it. Run by
// in_own_network.sh; tests/e2e/gstreamer_headers.sh comes before, where there is a network.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import { assert, freshRoom } from './expect.mjs';
import { Client, ROOT, Server, until } from './harness.mjs';

const KEY = ['devkey', '0123456789abcdef0123456789abcdef'];
async function tokenFor(room, identity, grants = {}) {
  const token = new AccessToken(KEY[0], KEY[1], { identity, ttl: '1h' });
  token.addGrant({ roomJoin: true, room, ...grants });
  return token.toJwt();
}

function start(program, args) {
  const child = spawn(program, args, { env: { ...process.env, ROOM_PLAYER: 'fakesink' } });
  const seen = { video: 0, audio: 0, output: '', child };
  seen.done = new Promise((resolve) => child.on('close', resolve));
  child.stderr.on('data', (data) => (seen.output += data));
  child.stdout.on('data', (data) => {
    seen.output += data;
    const last = [...seen.output.matchAll(/video (\d+) audio (\d+)/g)].at(-1);
    if (last) [seen.video, seen.audio] = [Number(last[1]), Number(last[2])];
  });
  return seen;
}

test('the example in C publishes and watches', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-example-`);
  t.after(() => rmSync(folder, { recursive: true }));
  const program = `${folder}/room`;
  const words = execFileSync(`${ROOT}tests/e2e/gstreamer_headers.sh`, { encoding: 'utf8' }).trim().split(/\s+/);
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-o', program, `${ROOT}examples/gstreamer/room.c`, ...words]);
  assert.ok(existsSync(program));

  writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
  const server = await Server.startFor(t, { args: ['--keys', `${folder}/keys`], announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
  const room = freshRoom();
  const ann = await Client.join(server, room, undefined, { token: await tokenFor(room, 'ann') });
  const refused = start(program, ['publish', `${server.origin}/whip/${room}`, 'no token']);
  assert.equal(await refused.done, 1);
  assert.match(refused.output, /status 401 /);

  const publisher = start(program, ['publish', `${server.origin}/whip/${room}`, await tokenFor(room, 'camera')]);
  t.after(() => publisher.child.kill('SIGKILL'));
  assert.equal((await ann.next('user-joined')).user, 'camera');
  const watcher = start(program, ['watch', `${server.origin}/whep/${room}?from=camera`, await tokenFor(room, 'screen', { canPublish: false })]);
  t.after(() => watcher.child.kill('SIGKILL'));
  await until('pictures and sound arrive', () => watcher.video > 20 && watcher.audio > 20, { deadlineMs: 30_000, everyMs: 100 }).catch((error) =>
    assert.fail(`${error.message}\npublisher: ${publisher.output}\nwatcher: ${watcher.output}`),
  );
  assert.ok(publisher.video >= watcher.video && publisher.audio >= watcher.audio);
  for (const [one, name] of [[watcher, 'screen'], [publisher, 'camera']]) {
    one.child.kill('SIGINT');
    assert.equal(await one.done, 0, one.output);
    await ann.next('user-left', ({ user }) => user === name);
  }
  await ann.close();
});
