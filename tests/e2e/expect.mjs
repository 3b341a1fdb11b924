// What protocol tests say again and again.

import assert from 'node:assert/strict';
import { Client } from './harness.mjs';

export { assert };

// The request is refused with this code, names the request, and says something for people.
export async function refused(client, code, type, data) {
  const answer = await client.answer(type, data);
  assert.equal(answer.type, 'error', `${type} ${JSON.stringify(data)}: expected error ${code}, got ${JSON.stringify(answer)}`);
  assert.equal(answer.data.code, code, `${type} ${JSON.stringify(data)}: ${answer.data.message}`);
  assert.equal(answer.data.request, type);
  assert.ok(answer.data.message.length > 0);
}

// The connection is alive and nothing else was waiting.
export async function stillServed(client) {
  const answer = await client.answer('ping');
  assert.equal(answer.type, 'pong');
  assert.equal(typeof answer.data.ts, 'number');
}

// Nothing of this type has arrived. What the server sent before the pong has arrived by then.
export async function gotNo(client, type) {
  await stillServed(client);
  assert.deepEqual(client.inbox.filter((message) => message.type === type), []);
}

// A busy machine can make a browser stutter once; what the server does wrong happens each time. Says what went wrong
// in the tries before.
export async function inOneOf(tries, t, body) {
  for (let i = 1; ; i++) {
    try {
      return await body();
    } catch (error) {
      if (i === tries) throw error;
      t.diagnostic(`try ${i} of ${tries}: ${error.message.split('\n')[0]}`);
    }
  }
}

let rooms = 0;
export const freshRoom = () => `room-${process.pid}-${++rooms}`;

// One room with these people, everyone's user-joined already taken.
export async function gather(server, ...names) {
  const roomId = freshRoom();
  const clients = [];
  for (const name of names) {
    const client = await Client.join(server, roomId, name);
    for (const other of clients) await other.next('user-joined', ({ user }) => user === name);
    clients.push(client);
  }
  return clients;
}
