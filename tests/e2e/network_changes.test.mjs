// Addresses that come and go while the server runs. Run by in_own_network.sh, whose network this changes.

import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { openChromium, Person } from './browsers.mjs';
import { assert, freshRoom, gotNo } from './expect.mjs';
import { Client, delay, Server, until } from './harness.mjs';

const V4 = process.env.ROTUNDA_TEST_ADDRESS;
const MOVED = '10.79.0.9';
const ip = (line) => execFileSync('ip', line.split(' '));

before(() => assert.ok(V4, 'run by in_own_network.sh'));

const addressesOf = ({ iceCandidates }) => iceCandidates.filter(({ protocol }) => protocol === 'udp').map(({ address }) => address);

async function announced(server) {
  const client = await Client.join(server, freshRoom(), 'ann');
  const list = addressesOf(await client.request('create-transport', { direction: 'send' }));
  await client.close();
  return list;
}

// A bridge as container engines make them, with somebody at it.
function addBridge(number) {
  ip(`link add br${number} type bridge`);
  ip(`link add port${number} type veth peer name peer${number}`);
  ip(`link set port${number} master br${number} up`);
  ip(`link set peer${number} up`);
  ip(`link set br${number} up`);
  ip(`address add 10.88.${number}.1/24 dev br${number}`);
}
const removeBridge = (number) => [ip(`link del br${number}`), ip(`link del port${number}`)];

test('who is there hears of new addresses, and goes on with the old if it likes; newcomers are told them', async (t) => {
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0' });
  const ann = await Client.join(server, freshRoom(), 'ann');
  const transport = await ann.request('create-transport', { direction: 'recv' });
  assert.deepEqual(addressesOf(transport), [V4]);
  ip(`address add ${MOVED}/24 dev test0`);
  t.after(() => ip(`address del ${MOVED}/24 dev test0`));
  const told = await ann.next('ice-restarted');
  assert.equal(told.transportId, transport.id);
  assert.deepEqual(addressesOf(told), [V4, MOVED]);
  assert.notEqual(told.iceParameters.usernameFragment, transport.iceParameters.usernameFragment);
  assert.deepEqual(await announced(server), [V4, MOVED]);
  await ann.close();
});

test('a server that is started before the network announces what comes up', async (t) => {
  ip('link set test0 down');
  ip(`address del ${V4}/24 dev test0`);
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0' });
  assert.deepEqual(await announced(server), ['127.0.0.1']);
  ip(`address add ${V4}/24 dev test0`);
  ip('link set test0 up');
  ip('route add default via 10.77.0.2');
  await until('the address', async () => (await announced(server))[0] === V4);
  assert.deepEqual(await announced(server), [V4]);
});

test('an interface without a carrier is not announced until it has one again; the last one stays', async (t) => {
  for (const name of ['test0', 'test1']) ip(`link set ${name} addrgenmode none`); // else IPv6 has news of its own
  ip('link add test2 type veth peer name test3');
  t.after(() => ip('link del test2'));
  for (const name of ['test2', 'test3']) ip(`link set ${name} addrgenmode none up`);
  ip('address add 10.80.0.1/24 dev test2');
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0' });
  const ann = await Client.join(server, freshRoom(), 'ann');
  assert.deepEqual(addressesOf(await ann.request('create-transport', { direction: 'recv' })), [V4, '10.80.0.1']);
  ip('link set test3 down');
  assert.deepEqual(addressesOf(await ann.next('ice-restarted')), [V4]);
  ip('link set test3 up');
  assert.deepEqual(addressesOf(await ann.next('ice-restarted')), [V4, '10.80.0.1']);
  for (const name of ['test3', 'test1']) ip(`link set ${name} down`);
  await delay(3000); // longer than a burst of news may last
  assert.deepEqual(await announced(server), [V4, '10.80.0.1']);
  for (const name of ['test3', 'test1']) ip(`link set ${name} up`);
  await delay(3000);
  await gotNo(ann, 'ice-restarted');
  await ann.close();
});

test('the address of the default route is first, and twenty bridges leave it its place', async (t) => {
  for (let i = 1; i <= 20; i++) addBridge(i);
  t.after(() => {
    for (let i = 1; i <= 20; i++) removeBridge(i);
  });
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0' });
  const list = await announced(server);
  assert.equal(list[0], V4);
  assert.equal(list.length, 16);
  await until('a word about the rest', () => /addresses not announced .*count=5/.test(server.log));
});

test('a container network that comes up disturbs nobody', async (t) => {
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0' });
  const ann = await Client.join(server, freshRoom(), 'ann');
  await ann.request('create-transport', { direction: 'recv' });
  addBridge(1);
  t.after(() => removeBridge(1));
  await until('newcomers to hear of it', async () => (await announced(server)).includes('10.88.1.1'));
  assert.deepEqual((await announced(server))[0], V4);
  await ann.request('ping', {});
  assert.equal(ann.inbox.filter(({ type }) => type === 'ice-restarted').length, 0);
  await ann.close();
});

test('what the operator names stays', async (t) => {
  const server = await Server.startFor(t, { announce: '203.0.113.7', host: '0.0.0.0' });
  ip(`address add ${MOVED}/24 dev test0`);
  t.after(() => ip(`address del ${MOVED}/24 dev test0`));
  assert.deepEqual(await announced(server), ['203.0.113.7']);
});

// The addresses that this person's media goes to.
const remoteAddresses = (person) =>
  person.evaluate(async () => {
    const report = await [...window.rotunda.room.producers.values()][0].getStats();
    const all = [...report.values()];
    const used = all.filter(({ type }) => type === 'transport').map(({ selectedCandidatePairId }) => report.get(selectedCandidatePairId));
    return used.map((pair) => pair && report.get(pair.remoteCandidateId)?.address);
  });

test('a call goes on at the new address when the old one is gone', async (t) => {
  const server = await Server.startFor(t, { announce: 'auto', host: '0.0.0.0' });
  const browser = await openChromium();
  t.after(() => browser.close());
  const room = freshRoom();
  const small = { width: '320', height: '180', fps: '15' };
  const ann = await Person.enter(browser, server, room, 'Ann', small);
  const bob = await Person.enter(browser, server, room, 'Bob', small);
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  assert.deepEqual(await remoteAddresses(ann), [V4]);
  ip(`address add ${MOVED}/24 dev test0`);
  ip(`address del ${V4}/24 dev test0`);
  ip('route replace default via 10.79.0.2');
  await until('media at the new address', async () => (await remoteAddresses(ann))[0] === MOVED && (await remoteAddresses(bob))[0] === MOVED, { deadlineMs: 20_000 });
  await ann.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
});
