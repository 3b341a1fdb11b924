// The client in README.md runs as it stands there: two of it meet in one room, and each shows the other's two tracks.
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import WebSocket from 'ws';
import { assert } from './expect.mjs';
import { ROOT, Server, until } from './harness.mjs';
import { CLIENT_LIBRARIES, FakeMediaStreamTrack } from './media_kit.mjs';

const code = readFileSync(`${ROOT}README.md`, 'utf8').match(/^```js\n(import[^]*?)^```/m)[1];

// What a page has and Node.js has not.
function pageWith(url, opened) {
  const { Device, handlerFactory } = CLIENT_LIBRARIES[0];
  const elements = [];
  return {
    elements,
    Device: class extends Device {
      constructor() {
        super({ handlerFactory });
      }
    },
    WebSocket: class extends WebSocket {
      constructor() {
        super(url); // the README's own address is that of ./run
        opened.push(this);
      }
    },
    MediaStream: class {
      constructor(tracks) {
        this.tracks = tracks;
      }
    },
    document: { createElement: (kind) => ({ kind }), body: { append: (element) => elements.push(element) } },
    navigator: {
      mediaDevices: {
        getUserMedia: async (wanted) => ({
          getTracks: () => Object.keys(wanted).map((kind) => new FakeMediaStreamTrack({ kind })),
        }),
      },
    },
  };
}

test('the client of README.md', async (t) => {
  assert.match(code, /new WebSocket\('ws:\/\/127\.0\.0\.1:8080\/ws'\)/);
  const server = await Server.startFor(t);
  const opened = [];
  t.after(() => opened.forEach((socket) => socket.terminate()));
  const AsyncFunction = (async () => {}).constructor;
  const pages = [0, 1].map(() => pageWith(`ws://127.0.0.1:${server.port}/ws`, opened));
  for (const [i, { elements, ...page }] of pages.entries()) {
    const body = code.replace(/^import .*\n/, '').replace("'garden'", "'garden of the test'").replace('Date.now()', String(i));
    await new AsyncFunction(...Object.keys(page), body)(...Object.values(page));
  }
  for (const { elements } of pages) {
    await until('both tracks of the other', () => elements.length === 2);
    assert.deepEqual(elements.map(({ kind }) => kind).sort(), ['audio', 'video']);
    assert.ok(elements.every(({ srcObject, autoplay }) => autoplay && srcObject.tracks.length === 1));
  }
});
