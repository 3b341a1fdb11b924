// Full ICE on a machine with more addresses than libnice has places for (64): one that runs many containers. Run by
// in_own_network.sh.

import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { assert, freshRoom } from './expect.mjs';
import { Client, Server } from './harness.mjs';

const HERE = process.env.ROTUNDA_TEST_ADDRESS;

test('an agent tells four of eighty addresses, that of the default route first', async (t) => {
  execFileSync('ip', ['-batch', '-'], { input: Array.from({ length: 80 }, (_, i) => `address add 10.78.0.${i + 1}/32 dev test0\n`).join('') });
  const server = await Server.startFor(t, { announce: null, host: '0.0.0.0', args: ['--ice', 'full'] });
  const ann = await Client.join(server, freshRoom(), 'Ann');
  const { iceCandidates } = await ann.request('create-transport', { direction: 'send' });
  assert.equal(iceCandidates.length, 4, JSON.stringify(iceCandidates));
  const best = iceCandidates.reduce((a, b) => (a.priority > b.priority ? a : b));
  assert.equal(best.address, HERE);
  assert.equal(new Set(iceCandidates.map(({ priority }) => priority)).size, 4);
});
