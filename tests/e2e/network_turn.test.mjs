// People whose network lets nothing through to the server's UDP port take part through Debian's coturn. Run by
// in_own_network.sh: the server and coturn are in that network, the browser is in another one behind it, which has no
// route to the address that the server announces.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { CHROMIUM, openChromium, Person, sampleTwice } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';

const MEDIA = process.env.ROTUNDA_TEST_ADDRESS; // out of the browser's reach
const TURN = '10.78.0.1'; // coturn, and the page
const BROWSER = '10.78.0.2';
const TURN_PORT = 3478;
const SECRET = 'between the two of us';
const SMALL = { width: '320', height: '180', fps: '15' };

function missing(program) {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return false;
  } catch {
    return true;
  }
}
const skip = ['turnserver', 'nsenter', 'unshare'].filter(missing).map((program) => `no ${program}`).join(', ') || false;

// A network with one cable to this one and no other way out; `inside` prefixes a command that is to run in it.
async function makeFarNetwork(t) {
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  t.after(() => holder.kill('SIGKILL'));
  const here = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' });
  await until('the other network is there', () => execFileSync('readlink', [`/proc/${holder.pid}/ns/net`], { encoding: 'utf8' }) !== here);
  const inside = ['nsenter', '--target', String(holder.pid), '--net'];
  const ip = (...args) => execFileSync('ip', args);
  const ipInside = (...args) => execFileSync(inside[0], [...inside.slice(1), 'ip', ...args], { stdio: 'pipe' });
  ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far');
  ip('link', 'set', 'far', 'netns', String(holder.pid));
  ip('address', 'add', `${TURN}/24`, 'dev', 'near');
  ip('link', 'set', 'near', 'up');
  ipInside('link', 'set', 'lo', 'up');
  ipInside('address', 'add', `${BROWSER}/24`, 'dev', 'far');
  ipInside('link', 'set', 'far', 'up');
  assert.throws(() => ipInside('route', 'get', MEDIA), /unreachable/, 'no way to the media port but through the relay');
  return inside;
}

async function startCoturn(t, folder) {
  const child = spawn('turnserver', ['-c', '/dev/null', '--no-cli', '--no-tls', '--no-dtls', '--listening-ip', TURN, '--relay-ip', TURN,
    '--listening-port', String(TURN_PORT), '--min-port', '50000', '--max-port', '50100', '--use-auth-secret',
    `--static-auth-secret=${SECRET}`, '--realm=rotunda.test', '--log-file=stdout', '--simple-log', '--verbose',
    `--pidfile=${folder}/turn.pid`, `--userdb=${folder}/turn.db`], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const coturn = { log: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (coturn.log += data));
  // Its TCP port is open once it serves.
  await until('coturn listens', () => {
    if (child.exitCode !== null) throw new Error(`coturn ended:\n${coturn.log}`);
    return execFileSync('ss', ['-Hltn', `sport = :${TURN_PORT}`], { encoding: 'utf8' }).includes(TURN);
  });
  return coturn;
}

// Chromium in the other network, whose every connection is told to use relays alone.
async function openFarChromium(t, folder, inside, server) {
  const executable = `${folder}/chromium`;
  writeFileSync(executable, `#!/bin/sh\nexec ${inside.join(' ')} ${CHROMIUM} "$@"\n`, { mode: 0o755 });
  // As over https, which is another test's.
  const browser = await openChromium({ executable, flags: [`--unsafely-treat-insecure-origin-as-secure=${server.origin}`] });
  t.after(() => browser.close());
  const newPage = async () => {
    const page = await browser.newPage();
    await page.addInitScript(() => {
      const Native = window.RTCPeerConnection;
      window.RTCPeerConnection = class extends Native {
        constructor(configuration, ...rest) {
          super({ ...configuration, iceTransportPolicy: 'relay' }, ...rest);
        }
      };
    });
    return page;
  };
  return { newPage };
}

// Leaves TURN URLs with one transport in what the server says.
const onlyOver = (transport) => ({
  rewrite(text) {
    const message = JSON.parse(text);
    for (const server of message.data?.iceServers ?? []) server.urls = server.urls.filter((url) => url.endsWith(transport));
    return JSON.stringify(message);
  },
});

// How this person's media leaves: "relay over tcp to 10.77.0.1".
const pathOf = (person) =>
  person.evaluate(async () => {
    const report = await [...window.rotunda.room.producers.values()][0].getStats();
    const pair = [...report.values()].find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
    const [local, remote] = [report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)];
    return `${local.candidateType} over ${local.relayProtocol} to ${remote.address}`;
  });

// What one RTCPeerConnection in the page gathers with these servers.
const gather = (person, iceServers) =>
  person.evaluate(async (servers) => {
    const peer = new RTCPeerConnection({ iceServers: servers });
    const seen = { relays: 0, errors: [] };
    const done = new Promise((resolve) => {
      peer.onicecandidate = ({ candidate }) => (candidate ? (seen.relays += candidate.type === 'relay') : resolve());
      peer.onicecandidateerror = ({ errorCode }) => seen.errors.push(errorCode);
    });
    peer.createDataChannel('x');
    await peer.setLocalDescription();
    await done;
    peer.close();
    return seen;
  }, iceServers);

test('a call through coturn, over UDP and over TCP, where nothing else gets through', { skip }, async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-turn-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(`${folder}/secret`, `${SECRET}\n`);
  const inside = await makeFarNetwork(t);
  const coturn = await startCoturn(t, folder);
  const urls = ['udp', 'tcp'].map((transport) => `turn:${TURN}:${TURN_PORT}?transport=${transport}`);
  const server = await Server.startFor(t, {
    announce: MEDIA, host: '0.0.0.0',
    args: ['--turn-urls', urls.join(','), '--turn-secret-file', `${folder}/secret`, '--turn-ttl', '600'],
  });
  server.origin = `http://${TURN}:${server.port}`;
  const browser = await openFarChromium(t, folder, inside, server);
  const room = freshRoom();
  const ann = await Person.enter(browser, server, room, 'Ann', { ...SMALL, link: onlyOver('udp') });
  const bob = await Person.enter(browser, server, room, 'Bob', { ...SMALL, link: onlyOver('tcp') });
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  assert.equal(await pathOf(ann), `relay over udp to ${MEDIA}`);
  assert.equal(await pathOf(bob), `relay over tcp to ${MEDIA}`);
  const [{ before, after }] = await sampleTwice([ann], 1000);
  assert.ok(after.got.Bob.video.frames > before.got.Bob.video.frames, 'pictures go on');

  // The credentials are short-lived, and coturn looks at them.
  const client = await Client.join(server, freshRoom(), 'cid');
  assert.deepEqual(client.joined.iceServers, [], 'no credentials without a transport');
  const transport = await client.request('create-transport', { direction: 'recv' });
  const [{ urls: told, username, credential }] = transport.iceServers;
  assert.deepEqual(told, urls);
  const [expiry, user] = username.split(':');
  assert.equal(user, client.userId);
  assert.ok(Math.abs(Number(expiry) - Date.now() / 1000 - 600) < 30, `600 s from now, got ${username}`);
  assert.ok((await gather(ann, [{ urls: urls[0], username, credential }])).relays > 0, 'good credentials');
  const longer = `${Number(expiry) + 3600}:${user}`;
  const forged = await gather(ann, [{ urls: urls[0], username: longer, credential }]);
  assert.equal(forged.relays, 0, 'a later expiry is forged');
  assert.ok(forged.errors.includes(401), `expected 401, got ${forged.errors}`);
  await client.close();
  assert.ok(coturn.log.includes(`<${username}>`), `coturn saw ${username}`);
});
