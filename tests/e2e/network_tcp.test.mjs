// People whose network lets no UDP through take part over TCP, without any TURN server: on the media port's number, and
// where that is closed on HTTP's own TLS port. Run by in_own_network.sh; ROTUNDA_LONG=1: UDP is blocked in the
// call alone; ROTUNDA_BROWSER=firefox: the same in Firefox.

import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { openChromium, openFirefox, Person, sampleTwice } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Server, until } from './harness.mjs';
import { spkiHash, TestCa } from './tls_kit.mjs';

const HERE = process.env.ROTUNDA_TEST_ADDRESS;
const FIREFOX = process.env.ROTUNDA_BROWSER === 'firefox';
const LONG = FIREFOX || process.env.ROTUNDA_LONG === '1';
const WITHOUT_UDP = ['add', 'rule', 'inet', 'narrow', 'in', 'meta', 'l4proto', 'udp', 'drop'];
const SMALL = { width: '320', height: '180', fps: '15' };

const nft = (...words) => execFileSync('nft', words);

// How each of this person's transports leaves: "tcp 40000"; whatever is not decided yet is missing.
const pathsOf = (person) =>
  person.evaluate(async () => {
    const { producers, consumers } = window.rotunda.room;
    const tracks = [[...producers.values()][0], [...consumers.values()][0]?.consumer].filter(Boolean);
    const paths = [];
    for (const track of tracks) {
      const report = await track.getStats();
      const all = [...report.values()];
      const transport = all.find(({ type }) => type === 'transport');
      const pair = transport?.selectedCandidatePairId ? report.get(transport.selectedCandidatePairId) : all.find(({ type, selected }) => type === 'candidate-pair' && selected);
      const remote = pair && report.get(pair.remoteCandidateId);
      if (remote) paths.push(`${remote.protocol} ${remote.port}`);
    }
    return paths;
  });

async function flows(people) {
  const before = await sampleTwice(people, 500);
  for (const [i, { before: first, after }] of before.entries())
    for (const [name, { video }] of Object.entries(after.got))
      assert.ok(video.frames > first.got[name].video.frames, `${people[i].name} sees ${name} move`);
}

test('a call over TCP where no UDP gets through', async (t) => {
  const ca = TestCa.make(t);
  const { cert, key } = ca.issue('server');
  const tls = FIREFOX ? [] : ['--tls-cert', cert, '--tls-key', key]; // Firefox trusts no certificate of a test
  const server = await Server.startFor(t, {
    announce: HERE, host: '0.0.0.0', ca: FIREFOX ? undefined : ca.root,
    args: ['--workers', '2', '--participants-per-worker', '1', ...tls],
  });
  nft('add', 'table', 'inet', 'narrow');
  t.after(() => nft('delete', 'table', 'inet', 'narrow'));
  nft('add', 'chain', 'inet', 'narrow', 'in', '{ type filter hook input priority 0; }');
  if (!LONG) nft(...WITHOUT_UDP);
  const browser = FIREFOX ? await openFirefox() : await openChromium({ flags: [`--ignore-certificate-errors-spki-list=${spkiHash(cert)}`] });
  t.after(() => browser.close());
  const room = freshRoom();
  const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  const picturesGoOn = () => until('the pictures go on', () => flows([ann, bob]).then(() => true, () => false), { deadlineMs: 30_000 });
  // UDP is preferred where it works, and given up when it does not.
  const media = (over) => until(`media over ${over}`, async () => (await pathsOf(ann)).concat(await pathsOf(bob)).every((path) => path === `${over} ${server.mediaPort}`), { deadlineMs: 60_000, everyMs: 200 });
  if (LONG) {
    await media('udp');
    nft(...WITHOUT_UDP);
  }
  await media('tcp');
  await picturesGoOn();

  // ICE begins anew over TCP, in both directions, and the pictures go on.
  for (const person of [ann, bob])
    await person.evaluate(async () => {
      const { room: call } = window.rotunda;
      for (const transport of [call.sendTransport, call.recvTransport]) await call.restartIce(transport);
    });
  await picturesGoOn();
  if (FIREFOX) return;

  // The media port is closed, with its connections: what is left is the port of the page.
  nft('add', 'rule', 'inet', 'narrow', 'in', 'tcp', 'dport', String(server.mediaPort), 'reject', 'with', 'tcp', 'reset');
  const web = `tcp ${server.port}`;
  await until('media over the port of the page', async () =>
    (await pathsOf(ann)).every((path) => path === web) && (await pathsOf(bob)).every((path) => path === web),
  { deadlineMs: 60_000, everyMs: 200 });
  await picturesGoOn();
  assert.ok((await server.metric('rotunda_tcp_connections')) >= 4);
});
