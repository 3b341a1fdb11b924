// A server that is stopped for a minute (SIGSTOP, as a machine that is paused) and goes on: who only waited is not cut off,
// who lost its connection before comes back to its session, and the page's client returns by itself. By hand:
//
//   node tests/soak/stop.mjs [SECONDS]     60 by default
//
// ROTUNDA_BIN: the server. Needs npm ci in tests/e2e and in frontend. Ends with 1 when somebody was cut off or not back.

import { Client, delay, Server, until } from '../e2e/harness.mjs';
import { regulars } from './kit.mjs';

const SECONDS = Number(process.argv[2] ?? 60);
const QUIET = 30;
const REGULARS = 12;
const BACK_WITHIN_MS = 20_000;

const faults = [];
const server = await Server.start({ args: ['--workers', '2'] });
let cut = 0;
const quiet = await Promise.all(Array.from({ length: QUIET }, (_, i) => Client.join(server, 'quiet', `Quiet ${i}`)));
for (const client of quiet) client.closed.then(() => (cut += 1));
const lost = await Client.join(server, 'lost', 'Lost');
const people = await regulars(server, REGULARS, (error) => faults.push(`somebody gave up: ${error.message}`));
lost.cut();
await delay(1000);
people.forget();

server.signal('SIGSTOP');
await delay(SECONDS * 1000);
server.signal('SIGCONT');
const began = performance.now();
const since = () => Math.round(performance.now() - began);

const again = await Client.connect(server);
const { resumed } = await again.request('join-room', { roomId: 'lost', resumeToken: lost.joined.resumeToken }).catch((error) => ({ resumed: error.message }));
if (resumed !== true) faults.push(`the session that was lost before: ${resumed}`);
await until('the server says that it serves', async () => (await server.fetch('/healthz').catch(() => null))?.ok);
console.log(`serves after ${since()} ms`);
await until('everybody is back', () => people.sessions.every(({ state }) => state.name === 'joined'), { deadlineMs: BACK_WITHIN_MS }).catch((error) => faults.push(error.message));
console.log(`all ${REGULARS} with the page's client are in after ${since()} ms: ${people.back.length} joins, ${people.tries.length} tries since the stop`);
await quiet[0].request('chat-message', { text: 'still there' });
await quiet[1].next('chat-message');
await delay(10_000); // what would cut off who was silent has its time
if (cut) faults.push(`${cut} of ${QUIET} who only waited were cut off`);
console.log(`${cut} of ${QUIET} who only waited were cut off`);
console.log(server.log.split('\n').filter((line) => /did not run|stuck|no sign of life/.test(line)).join('\n'));
for (const session of people.sessions) session.leave();
for (const client of [...quiet, again]) client.cut();
await server.stop();
for (const fault of faults) console.log(`FAULT: ${fault}`);
process.exit(faults.length ? 1 : 0);
