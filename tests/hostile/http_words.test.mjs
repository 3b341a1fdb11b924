// HTTP that is odd, broken or too long: always an answer, never a connection that closes without a word; and no
// spelling of a path that a rule in front of the server would miss.

import { connect as plainConnect } from 'node:net';
import { connect as secureConnect } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { assert, stillServed } from '../e2e/expect.mjs';
import { Client, Server } from '../e2e/harness.mjs';
import { TestCa } from '../e2e/tls_kit.mjs';

// What the server says to these bytes until it closes, or until the answers are there.
function exchange(server, bytes, { answers = 1, deadlineMs = 60_000 } = {}) {
  return new Promise((resolve, reject) => {
    let text = '';
    const options = { host: '127.0.0.1', port: server.port, ca: server.ca, servername: 'localhost' };
    const socket = (server.ca ? secureConnect : plainConnect)(options, () => {
      for (const part of [bytes].flat()) socket.write(part);
    });
    const timer = setTimeout(() => (socket.destroy(), reject(new Error(`no answer to ${String(bytes).slice(0, 80)}`))), deadlineMs);
    const done = () => (clearTimeout(timer), socket.destroy(), resolve(text));
    socket.on('data', (data) => {
      text += data;
      if ((text.match(/^HTTP\/1\.1 \d/gm) ?? []).length >= answers && text.includes('\r\n\r\n')) done();
    });
    socket.on('error', () => {});
    socket.on('close', done);
  });
}

const statusOf = (text) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0);
const HOST = 'Host: x\r\n';
const get = (target, fields = '') => `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';

const ROWS = [
  ['cookies of 12 KB', get('/healthz', `Cookie: ${'c'.repeat(12_000)}\r\n`), 200],
  ['a head of 20 KB', get('/healthz', `Cookie: ${'c'.repeat(20_000)}\r\n`), 431],
  ['three thousand fields', get('/healthz', 'X-Filler: y\r\n'.repeat(3000)), 431],
  ['200 fields', get('/healthz', 'X: y\r\n'.repeat(200)), 431],
  ['an address of 20 KB', get(`/${'a'.repeat(20_000)}`), 414],
  ['an address of 9 KB', get(`/${'a'.repeat(9000)}`), 414],
  ['a query of 7 KB', get(`/healthz?${'a'.repeat(7000)}`), 200],
  ['an upgrade to h2c', get('/healthz', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'), 200],
  ['an upgrade to h2c, with a body', `POST /healthz HTTP/1.1\r\n${HOST}Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc`, 405],
  ['an upgrade to nothing known', get('/healthz', 'Connection: upgrade\r\nUpgrade: foo/2, bar\r\n'), 200],
  ['an upgrade of another page', get('/healthz', `Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY}`), 404],
  ['h2c with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
  ['absolute form', get('http://meet.example.org:8080/healthz?x'), 200],
  ['absolute form without a path', get('http://meet.example.org'), [200, 404]],
  ['absolute form of another kind', get('gopher://meet.example.org/'), 400],
  ['authority form', `CONNECT meet.example.org:443 HTTP/1.1\r\n${HOST}\r\n`, [400, 501]],
  ['asterisk form', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, [200, 404, 405]],
  ['an empty first line', `\r\n${get('/healthz')}`, 200],
  ['empty first lines', `\r\n\r\n${get('/healthz')}`, 200],
  ['an empty first line with a bare line feed', `\n${get('/healthz')}`, 400],
  ['bare line feeds', 'GET /healthz HTTP/1.1\nHost: x\n\n', 400],
  ['a bare line feed behind the request line', `GET /healthz HTTP/1.1\n${HOST}\r\n`, 400],
  ['a bare line feed behind a field', get('/healthz', 'X: y\nContent-Length: 5\r\n'), 400],
  ['a bare line feed at the end of the head', `GET /healthz HTTP/1.1\r\n${HOST}\n`, 400],
  ['bare line feeds in the head of a WebSocket', get('/ws', `Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY}X: y\n`), 400],
  ['a bare line feed at the end of the head of a WebSocket', `GET /ws HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY}\n`, 400],
  ['a folded field in the head of a WebSocket', get('/ws', `Connection: Upgrade\r\nUpgrade: websocket\r\n ${KEY}`), 400],
  ['a space before the colon in the head of a WebSocket', get('/ws', `Connection: Upgrade\r\nUpgrade : websocket\r\n${KEY}`), 400],
  ['a zero byte in the head of a WebSocket', get('/ws', `Connection: Upgrade\r\nUpgrade: websocket\0\r\n${KEY}`), 400],
  ['a carriage return in the request line', `GET /healthz\r HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['two carriage returns', `GET /healthz HTTP/1.1\r\r\n${HOST}\r\n`, 400],
  ['a zero byte in a value', get('/healthz', 'X: a\0b\r\n'), 400],
  ['odd escapes in the query', get('/healthz?%zz&%&a=%u0041;b=%00'), 200],
  ['odd escapes in the path', get('/%zz'), 400],
  ['a cut escape', get('/%'), 400],
  ['names with all that a name may hold', get('/healthz', "!#$%&'*+-.^_`|~: y\r\n"), 200],
  ['a name with a space', get('/healthz', 'X Y: z\r\n'), 400],
  ['a space before the colon', get('/healthz', 'X : z\r\n'), 400],
  ['no name', get('/healthz', ': z\r\n'), 400],
  ['no colon', get('/healthz', 'nothing\r\n'), 400],
  ['a name of Latin letters with marks', get('/healthz', 'Na\u00efve: z\r\n'), 400],
  ['a tab before the colon', get('/healthz', 'Content-Length\t: 3\r\n'), 400],
  ['a folded field', get('/healthz', 'X: a\r\n b\r\n'), 400],
  ['a carriage return in a value', get('/healthz', 'X: a\rb\r\n'), 400],
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ['HTTP/1.0', 'GET /healthz HTTP/1.0\r\n\r\n', 200],
  ['HTTP/0.9', 'GET /healthz\r\n\r\n', 400],
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['bytes of any kind', Buffer.concat([Buffer.from(Array.from({ length: 512 }, (_, i) => (i * 37) & 255)), Buffer.from('\r\n\r\n')]), 400],
  ['a method nobody knows', `FROBNICATE /healthz HTTP/1.1\r\n${HOST}\r\n`, [405, 501]],
  ['chunks', `POST /healthz HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 411],
  ['two lengths', `POST /healthz HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, 400],
  ['a GET with a body', `GET /healthz HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`, 413],
  ['a body as long as the sun is far', `POST /healthz HTTP/1.1\r\n${HOST}Content-Length: 149597870700\r\n\r\n`, 405],
  ['a WebSocket of another version', get('/ws', `Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY.replace('13', '8')}`), 426],
  ['a WebSocket with no key', get('/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'), 400],
  ['a WebSocket with a subprotocol', get('/ws', `Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY}Sec-WebSocket-Protocol: chat\r\n`), 400],
  ['a WebSocket in HTTP/1.0', get('/ws', `Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY}`).replace('HTTP/1.1', 'HTTP/1.0'), 400],
  ['a WebSocket by POST', `POST /ws HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY}\r\n`, 400],
  ['a page where the WebSocket is', get('/ws'), 426],
  ['a request in single bytes', [...get('/healthz')], 200],
  ...['//metrics', '/./metrics', '/x/../metrics', '/%6detrics', '/%2fmetrics', '/metrics%2f', '/metrics/.', 'http://x//metrics', '/%2e/metrics', '\\metrics'].map(
    (path) => [`metrics as ${path}`, get(path), 400],
  ),
  ['metrics with a slash behind', get('/metrics/'), 404],
  ['metrics in capitals', get('/METRICS'), 404],
];

function suite(name, start) {
  describe(name, () => {
    let server, unending; // which waits beside the others
    before(async () => {
      server = await start();
      unending = exchange(server, 'GET /healthz HTTP/1.1\r\nHost: x\r\nX: ');
    });
    after(() => server.stop());

    for (const [what, bytes, expected] of ROWS) {
      test(what, async () => {
        const answer = await exchange(server, bytes);
        assert.ok([expected].flat().includes(statusOf(answer)), `expected ${expected}, got: ${answer.slice(0, 300) || 'nothing'}`);
        assert.ok(!answer.includes('rotunda_uptime'), 'the metrics do not come out');
        assert.match(answer, /\r\n\r\n/);
      });
    }

    test('what stands in a body is no request', async () => {
      const inner = get('/healthz');
      const upgrade = `Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n${KEY}Content-Length: ${inner.length}\r\n`;
      for (const bytes of [get('/ws', upgrade) + inner, get('/healthz', upgrade) + inner, get('/x', upgrade) + inner]) {
        const text = await exchange(server, bytes, { answers: 2 }); // waits for two, or for the end
        assert.equal(text.match(/^HTTP\/1\.1 \d/gm).length, 1, text);
      }
    });

    test('requests behind each other are answered in their order', async () => {
      const text = await exchange(server, get('/healthz') + get('/nothing') + get('/readyz'), { answers: 3 });
      assert.deepEqual([...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((m) => m[1]), ['200', '404', '200']);
    });

    test('a request that does not end is told so', async () => {
      assert.equal(statusOf(await unending), 408);
    });

    test('those who are there notice nothing', async () => {
      const client = await Client.connect(server);
      await stillServed(client);
      await client.close();
    });
  });
}

suite('plain', () => Server.start());
suite('over TLS', () => {
  const ca = TestCa.make({ after });
  const { cert, key } = ca.issue('server');
  return Server.start({ ca: ca.root, args: ['--tls-cert', cert, '--tls-key', key] });
});
