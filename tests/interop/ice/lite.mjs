// An ICE-lite publisher by WHIP and an ICE-lite viewer by WHEP: the server looks for both. With ORIGIN a publisher and a
// viewer that are full agents, of a server behind another NAT: lite.mjs PROGRAM [STUN-URL].

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Server, until } from '../../e2e/harness.mjs';

const [program, stun] = process.argv.slice(2);
const kind = stun ? 'complete' : 'ICE-lite';
const server = stun ? { origin: process.env.ORIGIN, log: '', stop() {} } : await Server.start({ args: ['--ice', 'auto', '--ice-peers', '127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.0.0.0/8'] });

function start(protocol, direction) {
  const child = spawn(program, [`${server.origin}/${protocol}/room`, direction, stun ?? 'lite'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const peer = { child, packets: 0, state: 'new' };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [word, count] = line.split(' ');
    if (word === 'packets') peer.packets = Number(count);
    else peer.state = word;
  });
  child.on('exit', () => (peer.state = 'ended'));
  return peer;
}

let failed = false;
try {
  const publisher = start('whip', 'send');
  await until('the publisher is connected', () => publisher.state === 'connected', { deadlineMs: 20_000 });
  const viewer = start('whep', 'recv');
  await until('the viewer gets packets', () => viewer.packets > 50, { deadlineMs: 20_000 });
  console.log(`  a viewer (${kind}) got ${viewer.packets} packets of a publisher (${kind})`);
  for (const { child } of [publisher, viewer]) child.kill('SIGKILL');
} catch (error) {
  failed = true;
  console.error(error.message, server.log.slice(-2000));
}
await server.stop();
process.exit(failed ? 1 : 0);
