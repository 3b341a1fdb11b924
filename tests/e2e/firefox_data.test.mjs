// Data channels between Chromium and Firefox through the real server, with the unmodified mediasoup-client, and with
// channels that a page opens itself. Run by in_own_network.sh.

import { after, before, test } from 'node:test';
import { openChromium, openFirefox } from './browsers.mjs';
import { bundle } from './bundle.mjs';
import { assert, freshRoom } from './expect.mjs';
import { Server, until } from './harness.mjs';

let server, chromium, firefox, chris, fox;
before(async () => {
  server = await Server.start({ announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1', args: ['--workers', '2', '--participants-per-worker', '1'] });
  [chromium, firefox] = await Promise.all([openChromium(), openFirefox()]);
});
after(async () => {
  await Promise.all([chromium.close(), firefox.close()]);
  await server.stop();
});

// In the page: a participant by WebSocket and mediasoup-client; window.me.
async function enter(room, username) {
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws`);
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
  const me = { heard: [], got: {}, digests: {}, asked: new Map(), next: 1 };
  window.me = me;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    const asked = me.asked.get(message.id);
    if (!asked) me.heard.push(message);
    else if (message.type === 'error') asked.reject(new Error(`${message.data.code}: ${message.data.message}`));
    else asked.resolve(message.data);
  };
  me.request = (type, data = {}) =>
    new Promise((resolve, reject) => {
      const id = me.next++;
      me.asked.set(id, { resolve, reject });
      socket.send(JSON.stringify({ type, data, id }));
    });
  const joined = await me.request('join-room', { roomId: room, username });
  const device = new window.packages['mediasoup-client'].Device();
  await device.load({ routerRtpCapabilities: joined.routerRtpCapabilities });
  for (const direction of ['send', 'recv']) {
    const options = await me.request('create-transport', { direction, enableSctp: true, numSctpStreams: device.sctpCapabilities?.numStreams });
    const transport = direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      me.request('connect-transport', { transportId: transport.id, dtlsParameters }).then(done, failed);
    });
    transport.on('producedata', ({ sctpStreamParameters, label, protocol, appData }, done, failed) => {
      const broadcast = appData.broadcast === true;
      me.request('produce-data', { transportId: transport.id, sctpStreamParameters, label, protocol, appData, broadcast }).then(done, failed);
    });
    me[direction] = transport;
  }
  me.keep = (name, channel) => {
    me.got[name] = [];
    channel.binaryType = 'arraybuffer';
    return async (data) => {
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
      const text = typeof data === 'string';
      let sum = 0;
      for (const byte of bytes) sum = (sum * 31 + byte) >>> 0;
      me.got[name].push({ text, length: bytes.length, sum, start: text ? data.slice(0, 40) : null });
    };
  };
  me.produce = async (options) => {
    const producer = await me.send.produceData(options);
    if (producer.readyState !== 'open') await new Promise((resolve) => producer.once('open', resolve));
    me.producer = producer;
    return producer.id;
  };
  me.consume = async (name, ask) => {
    const consumer = await me.recv.consumeData(await me.request('consume-data', { transportId: me.recv.id, paused: true, ...ask }));
    const keep = me.keep(name, consumer);
    consumer.on('message', keep);
    if (consumer.readyState !== 'open') await new Promise((resolve) => consumer.once('open', resolve));
    await me.request('resume-data-consumer', { dataConsumerId: consumer.id });
    me[`consumer ${name}`] = consumer;
    return consumer.id;
  };
}

async function person(browser, room, name) {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/healthz`);
  await page.evaluate(bundle(['mediasoup-client']));
  await page.evaluate(`window.enter = ${enter}`);
  await page.evaluate(([r, n]) => window.enter(r, n), [room, name]);
  return page;
}

const got = (page, name) => page.evaluate((n) => window.me.got[n] ?? [], name);
const whole = (page, name, count) => until(`${count} messages on ${name}`, async () => ((await got(page, name)).length >= count ? got(page, name) : null), { deadlineMs: 20_000 });

function checkSum(length) {
  let sum = 0;
  for (let i = 0; i < length; i++) sum = (sum * 31 + (i & 0xff)) >>> 0;
  return sum;
}

test('text, bytes, empty messages and 256 KiB go from Chromium to Firefox and back', async () => {
  const room = freshRoom();
  [chris, fox] = await Promise.all([person(chromium, room, 'Chris'), person(firefox, room, 'Fox')]);
  for (const [from, to] of [[chris, fox], [fox, chris]]) {
    const dataProducerId = await from.evaluate(() => window.me.produce({ label: 'files', protocol: 'x', appData: { a: 1 } }));
    const told = await until('new-data-producer', () => to.evaluate((id) => window.me.heard.find((m) => m.type === 'new-data-producer' && m.data.dataProducerId === id)?.data, dataProducerId));
    assert.deepEqual([told.label, told.protocol, told.appData, told.broadcast], ['files', 'x', { a: 1 }, false]);
    await to.evaluate((id) => window.me.consume('files', { dataProducerId: id }), dataProducerId);
    await from.evaluate(() => {
      const { producer } = window.me;
      const bytes = (length) => Uint8Array.from({ length }, (_, i) => i);
      for (const message of ['hello, wörld', '', bytes(0), bytes(1), bytes(70_000), bytes(262_144), 'the end']) producer.send(message);
    });
    const messages = await whole(to, 'files', 7);
    assert.deepEqual(messages.map(({ text, length }) => [text, length]), [[true, 13], [true, 0], [false, 0], [false, 1], [false, 70_000], [false, 262_144], [true, 7]]);
    assert.equal(messages[4].sum, checkSum(70_000));
    assert.equal(messages[5].sum, checkSum(262_144));
  }
});

test("their room's channel is everybody's, and a page may open it itself", async () => {
  const all = [chris, fox];
  for (const page of all) await page.evaluate(() => window.me.consume('chat', { broadcast: true, label: 'chat' }));
  for (const page of all) await page.evaluate(() => window.me.produce({ label: 'chat', maxRetransmits: 3, appData: { broadcast: true } }));
  await chris.evaluate(() => window.me.producer.send('from Chris'));
  await fox.evaluate(() => window.me.producer.send('from Fox'));
  assert.deepEqual((await whole(fox, 'chat', 1)).map(({ start }) => start), ['from Chris']);
  assert.deepEqual((await whole(chris, 'chat', 1)).map(({ start }) => start), ['from Fox']);
  // Another connection of the browser, without mediasoup-client's negotiation: createDataChannel as in any page.
  for (const page of all) {
    await page.evaluate(async () => {
      const { me } = window;
      const pc = (me.recv.handler ?? me.recv._handler)._pc;
      const channel = pc.createDataChannel('chat', { protocol: 'own' });
      channel.onmessage = ({ data }) => me.keep && (me.got.own ??= []).push(data);
      await new Promise((resolve) => { channel.onopen = resolve; });
      me.own = channel;
    });
  }
  for (const [from, to, name] of [[chris, fox, 'Chris'], [fox, chris, 'Fox']]) {
    await from.evaluate((text) => window.me.own.send(text), `own of ${name}`);
    await until(`what ${name} said`, () => to.evaluate((text) => (window.me.got.own ?? []).includes(text), `own of ${name}`));
  }
  assert.ok(await until('its id is told', () => chris.evaluate(() => window.me.heard.find((m) => m.type === 'data-channel-opened')?.data.dataProducerId)));
  // It closes with its channel, which the others hear.
  await chris.evaluate(() => window.me.own.close());
  await until('data-producer-closed', () => fox.evaluate(() => window.me.heard.some((m) => m.type === 'data-producer-closed')));
});
