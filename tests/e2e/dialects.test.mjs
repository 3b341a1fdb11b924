// Pages made for other servers, with the client packages that their authors chose, on this one: `peerjs` in two pages of
// Chromium, and its cases of trouble; `socket.io-client` over WebSocket and by polling.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { Client, Server, until } from './harness.mjs';

const script = (name, file) => readFileSync(createRequire(import.meta.url).resolve(name).replace(/(node_modules\/[\w.-]+)\/.*/, `$1/${file}`), 'utf8');
const PEERJS = script('peerjs', 'dist/peerjs.min.js');
const SOCKET_IO = script('socket.io-client', 'dist/socket.io.min.js');

let server, browser, waiting; // a page that calls somebody who never comes, while the tests run
before(async () => {
  server = await Server.start({ args: ['--peerjs', '/myPeerServer', '--named-ws', '/ws', '--socket-io', '/socket.io'] });
  browser = await openChromium();
  waiting = await openPage(server.origin, PEERJS);
  await openPeer(waiting, 'waiting');
  await hears(waiting, 'open');
  await waiting.evaluate(() => void window.peer.connect('nobody'));
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function openPage(origin, ...scripts) {
  const page = await browser.newPage();
  await page.goto(`${origin}/healthz`); // a page without a policy of its own
  for (const content of scripts) await page.evaluate(content);
  return page;
}

// ---- PeerJS

// window.peer in a page, and what it heard in window.heard.
const openPeer = (page, id, more = {}) =>
  page.evaluate(
    ([given, options]) => {
      window.heard = [];
      window.peer = given ? new Peer(given, options) : new Peer(options);
      for (const name of ['open', 'error', 'disconnected', 'close']) window.peer.on(name, (what) => window.heard.push([name, what?.type ?? what]));
      window.peer.on('connection', (channel) => channel.on('data', (data) => channel.send({ back: data })));
      window.peer.on('call', async (call) => {
        call.answer(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
        call.on('stream', (stream) => (window.stream = stream));
        call.on('close', () => window.heard.push(['call closed']));
      });
    },
    [id, { host: '127.0.0.1', port: server.port, path: '/myPeerServer', config: { iceServers: [] }, ...more }],
  );
const hears = (page, name, what) =>
  until(`${name} ${what ?? ''}`, async () => {
    const found = (await page.evaluate(() => window.heard)).find(([event, value]) => event === name && (what === undefined || value === what));
    return found && [found];
  });
// Beside the one that waits.
const peerClients = (count) => until(`${count} clients`, async () => (await server.metric('rotunda_peerjs_clients')) === count + 1);

test('PeerJS: a media call and a data connection between two pages', async () => {
  const [ann, bob] = [await openPage(server.origin, PEERJS), await openPage(server.origin, PEERJS)];
  await openPeer(ann, 'ann');
  await openPeer(bob); // an id of the server's
  await hears(ann, 'open', 'ann');
  const [[, id]] = await hears(bob, 'open');
  assert.match(id, /^[0-9a-f-]{36}$/);
  const echoed = await bob.evaluate(
    () =>
      new Promise((resolve) => {
        const channel = window.peer.connect('ann', { metadata: { n: 0.1, big: 1e300 }, serialization: 'json' });
        channel.on('open', () => channel.send({ hello: 'ünïcode' }));
        channel.on('data', resolve);
      }),
  );
  assert.deepEqual(echoed, { back: { hello: 'ünïcode' } });
  await bob.evaluate(async () => {
    window.call = window.peer.call('ann', await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
    window.call.on('stream', (stream) => (window.stream = stream));
  });
  for (const page of [ann, bob])
    await until(
      'a picture that moves',
      () =>
        page.evaluate(() => {
          if (!window.stream) return false;
          window.video ??= Object.assign(document.body.appendChild(document.createElement('video')), { muted: true, autoplay: true, srcObject: window.stream });
          return window.video.videoWidth > 0 && window.video.currentTime > 0.3;
        }),
      { deadlineMs: 20_000, everyMs: 100 },
    );
  await bob.evaluate(() => window.call.close());
  await hears(ann, 'call closed');

  // The signalling goes, the call's channel stays; with reconnect() the same id is there again.
  await ann.evaluate(() => window.peer.disconnect());
  await hears(ann, 'disconnected');
  await peerClients(1);
  await ann.evaluate(() => ((window.heard = []), window.peer.reconnect()));
  await hears(ann, 'open', 'ann');
  await ann.evaluate(() => window.peer.destroy());
  await hears(ann, 'close');
  await peerClients(1);
  await openPeer(ann, 'ann', { token: 'of another page' }); // the id is free at once
  await hears(ann, 'open', 'ann');
  await ann.close();
  await bob.close();
  await peerClients(0);
});

test('PeerJS: an id that is taken, one that is none, a wrong key, somebody who is not there', async () => {
  const [ann, bob] = [await openPage(server.origin, PEERJS), await openPage(server.origin, PEERJS)];
  await openPeer(ann, 'ann', { token: 'secret' });
  await hears(ann, 'open', 'ann');
  await openPeer(bob, 'ann', { token: 'guess' });
  await hears(bob, 'error', 'unavailable-id');
  await openPeer(bob, 'bob', { key: 'other' });
  await hears(bob, 'error', 'invalid-key');
  await openPeer(bob, 'x'.repeat(65));
  await hears(bob, 'error', 'server-error');
  // The network fails: a second connection by the same token takes over, and hears of it (peers/peerjs issue 1289).
  await openPeer(bob, 'ann', { token: 'secret' });
  await hears(bob, 'open', 'ann');
  await hears(ann, 'disconnected');
  await peerClients(1);
  // Somebody who comes within five seconds gets the call.
  await bob.evaluate(() => {
    window.late = window.peer.connect('late', { serialization: 'json' });
    window.late.on('open', () => (window.opened = true));
  });
  await until('the offer waits', async () => (await server.metric('rotunda_dialect_kept_messages')) > 0);
  await openPeer(ann, 'late');
  await until('the channel is open', () => bob.evaluate(() => window.opened === true));
  await ann.close();
  await bob.close();
  await peerClients(0);
});

test('PeerJS: /peers is off, ids are fetched by pages of listed origins alone', async (t) => {
  const site = createServer((request, response) => response.setHeader('content-type', 'text/html').end('<title>elsewhere</title>'));
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  t.after(() => site.close());
  const origin = `http://127.0.0.1:${site.address().port}`;
  const second = await Server.startFor(t, { args: ['--peerjs', '/', '--peerjs-key', 'own-key', '--peerjs-peers', '--origins', origin] });
  const answers = async (path, headers = {}) => (await server.fetch(path, { headers })).status;
  assert.equal(await answers('/myPeerServer/peerjs/id'), 200);
  assert.equal(await answers('/myPeerServer/peerjs/id?ts=1&version=1.5.5', { origin }), 403);
  assert.equal(await answers('/myPeerServer/peerjs/peers'), 401);
  assert.equal(await answers('/myPeerServer/other/id'), 404);
  assert.equal(await answers('/myPeerServer/peerjs'), 426);
  assert.equal((await second.fetch('/socket.io/?EIO=4&transport=polling')).status, 404);
  const page = await openPage(origin, PEERJS);
  await openPeer(page, undefined, { port: second.port, path: '/', key: 'own-key' });
  const [[, id]] = await hears(page, 'open');
  assert.deepEqual(await page.evaluate(() => new Promise((resolve) => window.peer.listAllPeers(resolve))), [id]);
  await page.close();
});

test('PeerJS: frames that are none, and a flood, end the connection that sent them', async () => {
  const open = async (query) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/myPeerServer/peerjs?${query}`);
    socket.texts = [];
    socket.on('message', (text) => socket.texts.push(String(text)));
    socket.over = new Promise((resolve) => socket.on('close', resolve));
    await new Promise((resolve) => socket.on('open', resolve));
    return socket;
  };
  const binary = await open('key=peerjs&id=raw&token=x');
  binary.send(Buffer.from([1, 2, 3]));
  assert.equal(await binary.over, 1003);
  const big = await open('key=peerjs&id=raw&token=y');
  big.send('x'.repeat(65537));
  assert.equal(await big.over, 1009);
  const flood = await open('key=peerjs&id=raw&token=z');
  for (let i = 0; i < 3000; i++) flood.send('{"type":"HEARTBEAT"}');
  assert.equal(await flood.over, 1008);
  const path = await open('key=peerjs&id=..%2F..%2Fetc&token=x');
  assert.equal(await path.over, 1008);
  assert.match(path.texts[0], /"type":"ERROR".*letters and digits/);
  await peerClients(0);
});

// A page whose user does what PeerJS's issues 211, 848, 1156 and 1289 tell: connects again for as long as it takes.
const comesBack = (page) =>
  page.evaluate(() => {
    const { peer } = window;
    setInterval(() => peer.disconnected && !peer.destroyed && peer.reconnect(), 100);
  });
// A channel from one page to another's id: what is sent over it comes back.
const opensChannel = (page, id) =>
  page.evaluate(
    (to) =>
      new Promise((resolve, reject) => {
        const channel = (window.channel = window.peer.connect(to, { serialization: 'json' }));
        channel.on('open', resolve);
        channel.on('error', reject);
        channel.on('close', () => window.heard.push(['channel closed', to]));
        window.echo = (what) => new Promise((heard) => (channel.once('data', ({ back }) => heard(back)), channel.send(what)));
      }),
    id,
  );

test('PeerJS: signalling that is lost while people talk, an id by which somebody comes back, a page loaded again', async () => {
  const [ann, bob] = [await openPage(server.origin, PEERJS), await openPage(server.origin, PEERJS)];
  await openPeer(ann, 'ann');
  await openPeer(bob);
  const [[, id]] = await hears(bob, 'open');
  await hears(ann, 'open');
  await opensChannel(bob, 'ann');
  // Issues 224, 294, 1289: the network fails, the server knows nothing of it, and the package tries again by its token.
  await comesBack(bob);
  await bob.evaluate(() => {
    window.heard = [];
    window.lost = window.peer.socket._socket;
    window.lost.onclose(); // what a browser that has lost its network calls; the connection itself stays
  });
  await hears(bob, 'open', id); // 265, 757: by the id that the server gave it
  await peerClients(2);
  assert.equal(await bob.evaluate(() => window.echo('no call ends with its signalling')), 'no call ends with its signalling'); // 464, 650
  await bob.evaluate(() => ((window.heard = []), window.peer.disconnect()));
  assert.equal(await bob.evaluate(() => window.echo('nor when somebody ends it')), 'nor when somebody ends it');
  await hears(bob, 'open', id);
  // Whoever is called while away hears of it when back.
  await ann.evaluate(() => window.peer.disconnect());
  await peerClients(1);
  await bob.evaluate(() => void (window.second = window.peer.connect('ann', { serialization: 'json' }).on('open', () => (window.opened = true))));
  await until('the offer waits', async () => (await server.metric('rotunda_dialect_kept_messages')) > 0);
  await ann.evaluate(() => window.peer.reconnect());
  await until('the second channel is open', () => bob.evaluate(() => window.opened === true));
  // 116: loaded again, which is another token, with the same id.
  await ann.reload();
  await ann.evaluate(PEERJS);
  await openPeer(ann, 'ann');
  await hears(ann, 'open', 'ann');
  await opensChannel(bob, 'ann');
  assert.equal(await bob.evaluate(() => window.echo('again')), 'again');
  // 534, 880: who has destroyed it hears so, and nobody else is called by that id.
  await ann.evaluate(() => window.peer.destroy());
  await hears(bob, 'channel closed');
  assert.match(await ann.evaluate(() => { try { return window.peer.reconnect(); } catch (error) { return error.message; } }), /already been destroyed/);
  await ann.close();
  await bob.close();
  await peerClients(0);
});

test('PeerJS and socket.io: a server that is killed and back finds everybody again', async (t) => {
  const args = ['--peerjs', '/myPeerServer', '--socket-io', '/socket.io'];
  const first = await Server.start({ args });
  t.after(() => first.kill());
  // Ann's network lets no WebSocket of socket.io through (engine.io-client 202, socket.io 1077), Bob's does.
  const blocked = `window.WebSocket = class extends WebSocket {
    constructor(url, ...rest) { super(/EIO=/.test(url) ? 'ws://127.0.0.1:1/' : url, ...rest); }
  };`;
  const [ann, bob] = [await openPage(first.origin, PEERJS, blocked, SOCKET_IO), await openPage(first.origin, PEERJS, SOCKET_IO)];
  t.after(() => Promise.all([ann.close(), bob.close()]));
  await openPeer(ann, 'ann', { port: first.port });
  await openPeer(bob, 'bob', { port: first.port });
  for (const page of [ann, bob]) {
    await hears(page, 'open');
    await comesBack(page);
  }
  const soon = { reconnectionDelay: 100, reconnectionDelayMax: 200 };
  await startSocket(ann, soon);
  await startSocket(bob, soon);
  await until('the WebSocket', () => bob.evaluate(() => window.socket.io.engine.transport.name === 'websocket'));
  for (const page of [ann, bob]) await page.evaluate(() => window.socket.on('disconnect', (reason) => window.heard.push(['socket gone', reason])));
  assert.equal(await ann.evaluate(() => window.socket.io.engine.transport.name), 'polling');
  await first.kill();
  for (const page of [ann, bob]) {
    await hears(page, 'socket gone', page === ann ? 'transport error' : 'transport close');
    await hears(page, 'error', 'network');
    await hears(page, 'disconnected');
    await page.evaluate(() => ((window.heard = []), (window.state.heard = [])));
  }
  await bob.evaluate(() => void window.socket.disconnect().connect()); // while it tries: socket.io-client 852
  const second = await Server.startFor(t, { args, port: first.port });
  for (const [page, id] of [[ann, 'ann'], [bob, 'bob']]) await hears(page, 'open', id);
  await opensChannel(ann, 'bob');
  assert.equal(await ann.evaluate(() => window.echo('as before')), 'as before');
  // The session of before is unknown to this server (socket.io 100, 3009, 5116); both have joined their room again, as
  // pages do where they hear that they are connected (3382).
  await until('both are back', async () => (await second.metric('rotunda_socket_io_clients')) === 2);
  await until('they hear each other', async () => {
    await ann.evaluate(() => void window.socket.emit('callRemote', '001'));
    return bob.evaluate(() => window.state.heard.includes('callRemote'));
  });
});

// ---- {type, from, to, payload}, at the path where such pages look for it, beside our own protocol

test('the dialect with from and to: a call in whatever order, and our own protocol beside it', async () => {
  const [ann, bob] = [await openPage(server.origin), await openPage(server.origin)];
  // A page as people write it: who is called may come after the call.
  const start = (page, me, other, calls) =>
    page.evaluate(
      async ([me, other, calls]) => {
        const pc = (window.pc = new RTCPeerConnection());
        const socket = (window.socket = new WebSocket(`ws://${location.host}/ws`));
        const send = (type, payload) => socket.send(JSON.stringify({ type, from: me, to: other, payload }));
        await new Promise((resolve) => (socket.onopen = resolve));
        socket.send(JSON.stringify({ type: 'register', from: me }));
        pc.onicecandidate = ({ candidate }) => candidate && send('candidate', candidate);
        pc.ondatachannel = ({ channel }) => (channel.onmessage = ({ data }) => (window.got = data));
        socket.onmessage = async ({ data }) => {
          const { type, from, payload } = JSON.parse(data);
          if (from !== other) throw new Error(`from ${from}`);
          if (type === 'offer') {
            await pc.setRemoteDescription(payload);
            await pc.setLocalDescription();
            send('answer', pc.localDescription);
          } else if (type === 'answer') await pc.setRemoteDescription(payload);
          else if (type === 'candidate') await pc.addIceCandidate(payload);
        };
        if (!calls) return;
        const channel = pc.createDataChannel('text');
        channel.onopen = () => channel.send('hello');
        await pc.setLocalDescription();
        await new Promise((resolve) => (pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve()));
        send('offer', pc.localDescription); // behind its candidates
      },
      [me, other, calls],
    );
  await start(ann, 'ann', 'bob', true);
  await until('the call waits', async () => (await server.metric('rotunda_dialect_kept_messages')) >= 2);
  await start(bob, 'bob', 'ann', false);
  await until('hello', () => bob.evaluate(() => window.got === 'hello'));
  const own = await Client.join(server, 'room-of-our-own', 'Cid');
  assert.ok(own.userId);
  await own.close();
  await ann.close();
  await bob.close();
  await until('they are gone', async () => (await server.metric('rotunda_named_ws_clients')) === 0);
});

// ---- socket.io

// A page as people write it: the one that calls, and the one that is called, tell their own events from the other's.
const startSocket = (page, options) =>
  page.evaluate(
    ([room, options]) =>
      new Promise((resolve, reject) => {
        const socket = (window.socket = io(options));
        const state = (window.state = { heard: [] });
        const start = () => {
          const pc = (state.pc = new RTCPeerConnection());
          pc.onicecandidate = ({ candidate }) => candidate && socket.emit('sendCandidate', { candidate, roomId: room });
          pc.ondatachannel = ({ channel }) => (channel.onmessage = ({ data }) => (state.got = data));
          return pc;
        };
        const early = [];
        const add = (candidate) => state.pc.addIceCandidate(candidate).catch(() => {}); // one's own comes back, too
        const addEarly = () => early.splice(0).forEach(add);
        socket.onAny((event) => state.heard.push(event));
        socket.on('connectionSuccess', () => socket.emit('joinRoom', room, (...answer) => resolve(answer)));
        socket.on('connect_error', reject);
        socket.on('callRemote', () => state.caller || socket.emit('acceptCall', room));
        socket.on('acceptCall', async () => {
          if (!state.caller) return;
          const channel = start().createDataChannel('text');
          channel.onopen = () => channel.send('hello');
          const offer = await state.pc.createOffer();
          await state.pc.setLocalDescription(offer);
          socket.emit('sendOffer', { offer, roomId: room });
        });
        socket.on('sendOffer', async (offer) => {
          if (state.caller) return;
          await start().setRemoteDescription(offer);
          const answer = await state.pc.createAnswer();
          await state.pc.setLocalDescription(answer);
          addEarly();
          socket.emit('sendAnswer', { answer, roomId: room });
        });
        socket.on('sendAnswer', async (answer) => {
          if (!state.caller) return;
          await state.pc.setRemoteDescription(answer);
          addEarly();
        });
        socket.on('sendCandidate', (candidate) => (state.pc?.remoteDescription ? add(candidate) : early.push(candidate)));
        socket.on('hangUp', () => state.pc.close());
      }),
    ['001', options],
  );

test('socket.io: a call between a page by polling and one by WebSocket, and one that changes over', async () => {
  const pages = [await openPage(server.origin, SOCKET_IO), await openPage(server.origin, SOCKET_IO)];
  const [ann, bob] = pages;
  assert.deepEqual(await startSocket(ann, { transports: ['polling'] }), []);
  assert.deepEqual(await startSocket(bob, { transports: ['websocket'] }), []);
  await bob.evaluate(() => ((window.state.caller = true), window.socket.emit('callRemote', '001')));
  await until('hello', () => ann.evaluate(() => window.state.got === 'hello'));
  assert.equal(await ann.evaluate(() => window.socket.io.engine.transport.name), 'polling');
  await ann.evaluate(() => void window.socket.emit('hangUp', '001'));
  for (const page of pages) await until('both hang up', () => page.evaluate(() => window.state.heard.includes('hangUp')));
  // A disconnect, and back; another namespace; an event that is none.
  await ann.evaluate(() => void window.socket.disconnect());
  await until('one is left', async () => (await server.metric('rotunda_socket_io_clients')) === 1);
  await ann.evaluate(() => void window.socket.connect());
  await until('it is back', () => ann.evaluate(() => window.socket.connected));
  const other = await bob.evaluate(() => new Promise((resolve) => io('/admin', { transports: ['websocket'], forceNew: true }).on('connect_error', ({ message }) => resolve(message))));
  assert.equal(other, 'Invalid namespace');
  const refusal = await bob.evaluate(() => new Promise((resolve) => (window.socket.on('error', resolve), window.socket.emit('hangUp', 'elsewhere'))));
  assert.match(refusal.message, /not in that room/);
  await bob.close();
  // As the package does it by itself: polling first, then the WebSocket; nothing is lost on the way.
  const cid = await openPage(server.origin, SOCKET_IO);
  await startSocket(cid, {});
  await cid.evaluate(() => {
    for (let i = 0; i < 50; i++) window.socket.emit('callRemote', '001', i);
    window.socket.on('callRemote', (room, i) => (window.seen ??= []).push(i));
  });
  await until('all of it, in its order', () => cid.evaluate(() => window.seen?.join() === Array.from({ length: 50 }, (_, i) => i).join()));
  await until('the WebSocket', () => cid.evaluate(() => window.socket.io.engine.transport.name === 'websocket'));
  await cid.evaluate(() => void window.socket.emit('callRemote', '001', 50));
  await until('the same over the WebSocket', () => cid.evaluate(() => window.seen.at(-1) === 50));
  await cid.close();
  await ann.close();
  await until('they are gone', async () => (await server.metric('rotunda_socket_io_polls')) === 0);
});

test('who joins a room and then speaks the dialect with from and to counts as somebody who has not joined', async (t) => {
  const crowded = await Server.startFor(t, { args: ['--named-ws', '/ws', '--waiting-per-address', '10', '--resume-window', '0'] });
  const clients = [];
  let refused;
  while (!refused && clients.length < 25) {
    const client = await Client.join(crowded, 'room', `p${clients.length}`).catch((error) => void (refused = error));
    if (!client) break;
    clients.push(client);
    // The second time is answered, by the dialect.
    for (const from of ['p', 'q']) client.socket.send(JSON.stringify({ type: 'register', from: `${from}${clients.length}` }));
    await until('it has changed over', () => client.inbox.some(({ type, payload }) => type === 'error' && payload));
  }
  assert.match(String(refused), /429/);
  for (const client of clients) client.socket.close();
});

test('PeerJS: who calls somebody that never comes hears so', async () => {
  await hears(waiting, 'error', 'peer-unavailable');
  assert.equal((await waiting.evaluate(() => window.heard)).filter(([event]) => event === 'error').length, 1);
});

test('what a server with keys opens is said at its start; sessions that poll count for their address', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-dialects-`);
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/keys`, 'devkey: 0123456789abcdef0123456789abcdef\n');
  const keyed = await Server.startFor(t, { args: ['--keys', `${folder}/keys`, '--peerjs', '/p', '--named-ws', '/s/', '--socket-io', '/io', '--waiting-per-address', '20'] });
  assert.match(keyed.log, /dialects +PeerJS at \/p, messages from and to at \/s, socket.io at \/io\n/);
  assert.match(keyed.log, /warning +PeerJS at \/p, messages from and to at \/s, socket.io at \/io: anyone who finds it/);
  assert.doesNotMatch(server.log, /who finds it can set up/);
  const ask = async (sid, body) => {
    const answer = await keyed.fetch(`/io/?EIO=4&transport=polling${sid ? `&sid=${sid}` : ''}`, body && { method: 'POST', body });
    return [answer.status, await answer.text()];
  };
  const sids = [];
  let refusal;
  while (!refusal && sids.length < 40) {
    const [status, text] = await ask();
    if (status === 200) sids.push(JSON.parse(text.slice(1)).sid);
    else refusal = [status, JSON.parse(text).message];
  }
  assert.equal(refusal[0], 429);
  assert.match(refusal[1], /your network/);
  assert.ok(sids.length >= 10, `${sids.length} came in`);
  for (const sid of sids) assert.deepEqual(await ask(sid, '1'), [200, 'ok']);
  assert.equal((await ask())[0], 200);
  assert.equal((await ask(undefined, 'x'.repeat(60001)))[0], 413);
});
