// --rooms: rooms with a password and with moderators, without any token.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { assert, refused, stillServed } from './expect.mjs';
import { Client, ROOT, Server, startRefused, until } from './harness.mjs';
import { AUDIO } from './media_kit.mjs';

const BINARY = process.env.ROTUNDA_BIN ?? `${ROOT}build/rotunda`;
const folder = mkdtempSync(`${tmpdir()}/rotunda-rooms-`);
const file = `${folder}/rooms`;
const hash = (password) => execFileSync(BINARY, ['password'], { input: `${password}\n`, encoding: 'utf8' }).trim();
const GARDEN = `[garden]\npassword = ${hash('gnome')}\nmoderator = Ann: ${hash('rake')}\n`;
const HALL = '[hall]\npeople = 1\n';
const OTHERS = '[*]\nopen = no\n';

let server;
before(async () => {
  writeFileSync(file, GARDEN + HALL + OTHERS);
  server = await Server.start({ args: ['--rooms', file, '--failed-joins-per-address', '60'] });
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

test('a password lets in, that of a moderator lets moderate', async () => {
  const bob = await Client.join(server, 'garden', 'Bob', { password: 'gnome' });
  assert.equal(bob.joined.permissions.moderate, false);
  const ann = await Client.join(server, 'garden', 'Ann', { password: 'rake' });
  assert.equal(ann.joined.permissions.moderate, true);
  await ann.request('kick-user', { target: 'Bob' });
  await bob.next('kicked');
  const cid = await Client.connect(server);
  await refused(cid, 'password-needed', 'join-room', { roomId: 'garden', username: 'Cid' });
  await refused(cid, 'password-wrong', 'join-room', { roomId: 'garden', username: 'Cid', password: 'rake' });
  await refused(cid, 'password-wrong', 'join-room', { roomId: 'garden', username: 'aNN', password: 'gnome' });
  await refused(cid, 'forbidden', 'join-room', { roomId: 'cellar', username: 'Cid' });
  await stillServed(cid);
  await Client.join(server, 'hall', 'Dan');
  await refused(cid, 'room-full', 'join-room', { roomId: 'hall', username: 'Cid' });
});

test('a room in which everything is encrypted from end to end takes nothing else', async (t) => {
  const sealed = `${folder}/sealed`;
  writeFileSync(sealed, '[vault]\ne2ee = required\n[minutes]\nrecord = yes\n[off]\nrecord = no\n');
  const own = await Server.startFor(t, { args: ['--rooms', sealed, '--record-dir', folder, '--recorder', '/bin/true'] });
  const eve = await Client.connect(own);
  await refused(eve, 'encryption-needed', 'join-room', { roomId: 'vault', username: 'Eve' });
  const byHttp = async (way, name) => {
    const offer = readFileSync(`${ROOT}tests/vectors/sdp/${name}.sdp`);
    const answer = await own.fetch(`/${way}/vault`, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: offer });
    assert.equal(answer.status, 403, way);
    assert.match(await answer.text(), /encrypted from end to end/);
  };
  await byHttp('whip', 'obs-publish');
  const ann = await Client.join(own, 'vault', 'Ann', { e2ee: true });
  assert.equal(ann.joined.e2eeRequired, true);
  assert.equal(ann.joined.permissions.record, undefined);
  const { id } = await ann.request('create-transport', { direction: 'send' });
  await refused(ann, 'encryption-needed', 'produce', { transportId: id, ...AUDIO });
  await refused(ann, 'forbidden', 'start-recording', {});
  await ann.request('produce', { transportId: id, ...AUDIO, appData: { source: 'microphone', e2ee: true } });
  await byHttp('whep', 'chromium-view');
  const bob = await Client.join(own, 'minutes', 'Bob');
  assert.equal(bob.joined.permissions.record, true);
  await bob.request('start-recording', {});
  await refused(await Client.join(own, 'off', 'Cid'), 'forbidden', 'start-recording', {});
});

test('in such a room data channels and chat are encrypted, too', async (t) => {
  const sealed = `${folder}/sealed-data`;
  writeFileSync(sealed, '[vault]\ne2ee = required\n');
  const own = await Server.startFor(t, { args: ['--rooms', sealed] });
  const ann = await Client.join(own, 'vault', 'Ann', { e2ee: true });
  const { id: transportId } = await ann.request('create-transport', { direction: 'send', enableSctp: true });
  const ask = { transportId, sctpStreamParameters: { streamId: 0 }, label: 'files', protocol: '' };
  for (const appData of [undefined, {}, { e2ee: false }, { e2ee: 1 }, { e2ee: 'true' }]) await refused(ann, 'encryption-needed', 'produce-data', { ...ask, appData });
  await ann.request('produce-data', { ...ask, appData: { e2ee: true } });
  await refused(ann, 'encryption-needed', 'chat-message', { text: 'clear' });
  await refused(ann, 'encryption-needed', 'chat-message', { text: ' rotunda-e2ee-1:x', e2ee: false });
  await ann.request('chat-message', { text: 'rotunda-e2ee-1:AAAA' });
  await ann.request('chat-message', { text: 'of another kind', e2ee: true });
});

test('people inside hear what SIGHUP makes of their room, and what is clear ends where it may not be', async (t) => {
  const settings = `${folder}/changing`;
  const settle = (text, own) => (writeFileSync(settings, text), own?.signal('SIGHUP'));
  settle('[minutes]\n');
  const own = await Server.startFor(t, { args: ['--rooms', settings, '--record-dir', folder, '--recorder', '/bin/true'] });
  const ann = await Client.join(own, 'minutes', 'Ann', { e2ee: true });
  const bob = await Client.join(own, 'minutes', 'Bob');
  const sends = async (client, appData) => {
    const { id: transportId } = await client.request('create-transport', { direction: 'send', enableSctp: true });
    const { producerId } = await client.request('produce', { transportId, ...AUDIO, appData });
    const { dataProducerId } = await client.request('produce-data', { transportId, sctpStreamParameters: { streamId: 0 }, label: 'x', protocol: '', appData });
    return { producerId, dataProducerId };
  };
  await sends(ann, { e2ee: true });
  const clear = await sends(bob, {});
  settle('[minutes]\nrecord = yes\n', own);
  for (const client of [ann, bob]) {
    const { permissions, e2eeRequired } = await client.next('permissions-changed');
    assert.deepEqual([permissions.record, e2eeRequired], [true, false]);
  }
  settle('[minutes]\ne2ee = required\n', own);
  for (const client of [ann, bob]) {
    const { permissions, e2eeRequired } = await client.next('permissions-changed');
    assert.deepEqual([permissions.record, e2eeRequired], [undefined, true]);
  }
  assert.deepEqual(await bob.next('producer-closed').then(({ producerId, reason }) => [producerId, reason]), [clear.producerId, 'encryption-needed']);
  assert.deepEqual(await bob.next('data-producer-closed').then(({ dataProducerId, reason }) => [dataProducerId, reason]), [clear.dataProducerId, 'encryption-needed']);
  assert.equal((await ann.next('producer-closed')).producerId, clear.producerId);
  await ann.next('data-producer-closed');
  for (const client of [ann, bob]) await stillServed(client);
  settle('[minutes]\n', own);
  assert.equal((await bob.next('permissions-changed')).e2eeRequired, false);
  await sends(bob, {});
});

test('SIGHUP reads the file again, and keeps what was before when it is broken', async () => {
  const cid = await Client.connect(server);
  writeFileSync(file, GARDEN.replace('gnome', 'x') + 'nonsense\n');
  server.signal('SIGHUP');
  await until('the log tells of line 4', () => /rooms not reloaded.*line 4: /.test(server.log));
  await refused(cid, 'forbidden', 'join-room', { roomId: 'cellar', username: 'Cid' });
  // While it is being written: rooms that have no password yet would stand open.
  for (const half of ['', '[cellar]']) {
    const before = server.log.length;
    writeFileSync(file, half);
    server.signal('SIGHUP');
    await until('the log tells that it is not whole', () => /rooms not reloaded.*still being written/.test(server.log.slice(before)));
    await refused(cid, 'forbidden', 'join-room', { roomId: 'cellar', username: 'Cid' });
  }
  writeFileSync(file, GARDEN + HALL);
  server.signal('SIGHUP');
  await until('the rooms are reloaded', () => /rooms reloaded/.test(server.log));
  await cid.request('join-room', { roomId: 'cellar', username: 'Cid' });
});

test('a file that does not do is refused at the start, with the line', async () => {
  const broken = `${folder}/broken`;
  writeFileSync(broken, '[a]\npassword = gnome\n');
  for (const args of [['--rooms', broken], ['--rooms', broken, '--check-config']]) {
    const said = await startRefused(args);
    assert.equal(said.status, 2);
    assert.match(said.err, /line 2: `password` must have the hash of a password.*`rotunda password` makes one/);
    assert.doesNotMatch(said.err, /gnome/);
  }
  assert.match((await startRefused(['--rooms', file, '--check-config'])).out, /The settings are fine/);
});

test('who guesses is held up, and nobody else waits for it', async () => {
  const guesser = await Client.connect(server);
  const bystander = await Client.join(server, 'cellar', 'Bystander');
  let codes = [];
  for (let i = 0; i < 12 && !codes.includes('password-attempts'); i++) {
    const answer = await guesser.request('join-room', { roomId: 'garden', username: 'Ann', password: `rake${i}` }).catch((error) => error);
    codes.push(answer.code);
  }
  // 60 failed joins are allowed, some were used above, and a wrong password counts as ten.
  assert.ok(codes.filter((code) => code === 'password-wrong').length <= 6, codes.join());
  assert.equal(codes.at(-1), 'password-attempts');
  await refused(guesser, 'password-attempts', 'join-room', { roomId: 'garden', username: 'Ann', password: 'rake' });
  await refused(guesser, 'rate-limited', 'join-room', { roomId: 'garden', username: 'Ann' });
  await stillServed(bystander);
});

test('who waits in a lobby comes in when a moderator lets it, and a ban keeps the address out', async (t) => {
  writeFileSync(file, `${GARDEN}lobby = yes\n`);
  const own = await Server.startFor(t, { args: ['--rooms', file, '--trust-proxy', '127.0.0.1'] });
  const from = (address) => ({ headers: { 'X-Forwarded-For': address } });
  const ann = await Client.join(own, 'garden', 'Ann', { password: 'rake' });
  assert.deepEqual(await ann.next('lobby'), { enabled: true, waiting: [] });
  const knock = async (name, address) => {
    const client = await Client.connect(own, undefined, from(address));
    assert.equal((await client.request('join-room', { roomId: 'garden', username: name, password: 'gnome' })).state, 'waiting');
    const { knocked } = await ann.next('lobby', (data) => data.knocked);
    return [client, knocked.userId];
  };
  const [bob, first] = await knock('Bob', '192.0.2.7');
  await ann.request('admit-user', { target: first });
  assert.equal((await bob.next('lobby')).state, 'admitted');
  await bob.request('join-room', { roomId: 'garden', username: 'Bob' }); // its password was shown
  const [cid] = await knock('Cid', '192.0.2.8');
  cid.close();
  assert.equal((await ann.next('lobby', (data) => data.gone)).reason, 'left');
  assert.equal((await ann.request('ban', { target: 'Bob' })).address, true);
  await bob.next('kicked');
  const again = await Client.connect(own, undefined, from('192.0.2.7'));
  await refused(again, 'forbidden', 'join-room', { roomId: 'garden', username: 'Robert', password: 'gnome' });
  await knock('Dan', '192.0.2.9'); // behind the same proxy
});
