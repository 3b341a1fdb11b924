// Texts that look like something else: halves of characters, names that cannot be told apart.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Server } from '../e2e/harness.mjs';

let server;
before(async () => {
  server = await Server.start({ args: ['--log-level', 'warn'] });
});
after(() => server.stop());

const answerTo = (client, id) => client.take(`the answer ${id}`, (message) => message.id === id);

test('half a surrogate pair anywhere is refused under its id, and the connection lives', async () => {
  const ann = await Client.join(server, 'halves', 'Ann');
  const halves = [
    '{"type":"chat-message","id":"a1","data":{"text":"hi \\ud83d"}}',
    '{"type":"ping","id":"a1","data":{"nobody":{"reads":["\\ude00"]}}}',
    '{"type":"ping","id":"a1","data":{"\\ud83d":1}}',
    '{"more":"\\ud83dx","id":"a1","type":"ping"}',
    '{"type":"ping","id":"a1","data":{"text":"\\u0000"}}',
    '{"type":"ping","id":"a1","data":{"n":1e999}}',
    '{"type":"ping","id":"a1","data":{"n":123456789012345678901234567890}}',
    `{"type":"ping","id":"a1","data":{"n":${'['.repeat(3000)}${']'.repeat(3000)}}}`,
  ];
  for (const text of halves) {
    ann.sendRaw(text);
    const answer = await answerTo(ann, 'a1');
    assert.equal(answer.data.code, 'bad-request', text.slice(0, 80));
  }
  ann.sendRaw('{"type":"ping","id":"\\ud83d"}'); // an id that cannot be given back is none
  assert.equal((await ann.take('an error', ({ type }) => type === 'error')).data.code, 'bad-request');
  assert.equal((await ann.answer('ping')).type, 'pong');
});

test('names that look alike are one', async () => {
  await Client.join(server, 'caf\u00e9', 'Jos\u00e9');
  const other = await Client.connect(server);
  for (const username of ['Jose\u0301', ' Jos\u00e9\u00a0', '\u3000Jos\u00e9']) {
    const answer = await other.answer('join-room', { roomId: 'cafe\u0301', username });
    assert.equal(answer.data.code, 'username-taken', JSON.stringify(username));
  }
  for (const hidden of ['\u200b', '\u200d', '\u202e', '\u2066', '\ufeff', '\u00ad', '\u2060', '\u034f', '\ufe0f', '\u3164', '\u2800', '\u{e0061}']) {
    for (const data of [
      { roomId: 'cafe\u0301', username: `Jos\u00e9${hidden}` },
      { roomId: `caf${hidden}\u00e9`, username: 'Eve' },
    ]) {
      const answer = await other.answer('join-room', data);
      assert.equal(answer.data.code, 'bad-request', JSON.stringify(data));
      assert.match(answer.data.message, /U\+[0-9A-F]{4}/);
    }
  }
  const fine = await other.request('join-room', { roomId: 'cafe\u0301', username: '\u0639\u0644\u06cc\u200c\u0631\u0636\u0627 \u{1f469}\u200d\u{1f467}' });
  assert.equal(fine.roomId, 'caf\u00e9');
});
