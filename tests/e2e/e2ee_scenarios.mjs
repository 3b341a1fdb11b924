// Calls that are encrypted from end to end. Each scenario gets the world: { server, chromium, firefox }.

import { Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { until } from './harness.mjs';

const SMALL = { width: '320', height: '180', fps: '10' };
const LAYERS = { width: '960', height: '540', fps: '10', simulcast: '1' };
const KEY = 'AAECAwQFBgcICQoLDA0ODw';
const OTHER_KEY = 'BBECAwQFBgcICQoLDA0ODw';

async function enter({ browser, server }, room, name, key, options = SMALL, more = {}) {
  const person = await Person.open(browser, name, more);
  person.wire = [];
  if (browser.name === 'chromium') {
    person.page.on('request', (request) => person.wire.push(request.url(), request.postData() ?? '', ...Object.values(request.headers())));
    person.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => person.wire.push(String(payload))));
  }
  const query = new URLSearchParams({ room, name, auto: '1', ...options });
  await person.page.goto(`${server.origin}/?${query}${key ? `#e2ee=${key}` : ''}`);
  await person.inCall();
  return person;
}

const tileSays = (person, name, words) =>
  person.until(`the tile of ${name} says why`, ([who, text]) => document.querySelector(`.tile[data-name="${who}"]`)?.innerText.includes(text), [name, words], { deadlineMs: 20_000 });
const close = async (...people) => {
  for (const { page } of people) await page.close();
};

// Chromium plays sound of an SSRC that no description names, past the transform of a receiver that was named one.
const keepsConnections = {
  init: () => {
    const connections = (window.connections = []);
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...given) {
        super(...given);
        connections.push(this);
      }
    };
  },
};
const soundReceived = () =>
  window.connections
    .flatMap((one) => (one.currentRemoteDescription?.sdp ?? '').split(/^(?=m=)/m))
    .filter((section) => section.startsWith('m=audio') && section.includes('a=sendonly'))
    .map((section) => section.includes('a=ssrc:'));

// In Chromium alone, and quick.
export const EVERYWHERE = {
  'another key, none at all, and none where others have one: each is told in words, and nothing is seen or heard': async ({ server, chromium }) => {
    const room = freshRoom();
    const ann = await enter({ browser: chromium, server }, room, 'Ann', KEY, SMALL, keepsConnections);
    const bob = await enter({ browser: chromium, server }, room, 'Bob', OTHER_KEY);
    const cid = await enter({ browser: chromium, server }, room, 'Cid', null);
    await tileSays(ann, 'Bob', 'uses another key');
    await tileSays(bob, 'Ann', 'uses another key');
    await tileSays(ann, 'Cid', 'is not using encryption');
    await tileSays(cid, 'Ann', 'You need the link with the key');
    assert.deepEqual(await ann.evaluate(soundReceived), [false, false], 'no SSRC of sound is named');
    await ann.screenshot('chromium-e2ee-wrong-key');
    await cid.screenshot('chromium-e2ee-no-key');
    const { got } = await bob.stats();
    assert.equal(got.Ann.video?.frames ?? 0, 0, 'no picture was decoded');
    assert.equal(got.Ann.audio?.energy ?? 0, 0, 'nothing is heard, not even noise');
    assert.deepEqual((await cid.stats()).got, {}, 'who has no key receives nothing of it');
    for (const [person, key] of [[ann, KEY], [bob, OTHER_KEY]]) {
      assert.ok(person.wire.length > 20);
      assert.deepEqual(person.wire.filter((text) => text.includes(key)), [], 'the key is in nothing that is sent');
    }
    for (const person of [ann, bob, cid]) assert.equal(person.errors.join('; '), '', person.name);
    await close(ann, bob, cid);
  },

  'what cannot be encrypted is refused in words, before anything is sent': async ({ server, chromium }) => {
    const room = freshRoom();
    const without = await Person.open(chromium, 'Old', { init: () => delete window.RTCRtpScriptTransform });
    await without.page.goto(`${server.origin}/?room=${room}&name=Old#e2ee=${KEY}`);
    await without.shows('This browser cannot do end-to-end encryption.');
    await without.has('#join[disabled]');
    const cut = await Person.open(chromium, 'Cut');
    await cut.page.goto(`${server.origin}/?room=${room}&name=Cut#e2ee=${KEY.slice(3)}`);
    await cut.shows('The key in this link is incomplete.');
    await cut.has('#join[disabled]');
    const h264 = await Person.open(chromium, 'H264');
    await h264.page.goto(`${server.origin}/?${new URLSearchParams({ room, name: 'H264', auto: '1', codec: 'h264', ...SMALL })}#e2ee=${KEY}`);
    await h264.shows('VP8 or AV1');
    await close(without, cut, h264);
  },

  'a call is made encrypted in the lobby; its link has the key': async ({ server, chromium }) => {
    const ann = await Person.open(chromium, 'Ann', { init: () => (navigator.clipboard.writeText = async (text) => void (window.copied = text)) });
    await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
    await ann.clickOn('#e2ee');
    await ann.shows('Only people who have the link can take part.');
    await ann.clickOn('#join:not([disabled])');
    await ann.inCall();
    await ann.has('#encrypted');
    await ann.click('copy-link');
    const link = await ann.until('the link', () => window.copied);
    assert.match(link, /#e2ee=[\w-]{22}$/);
    assert.equal(await ann.evaluate(() => location.hash), new URL(link).hash);
    await ann.page.close();
  },
};

// In the page of somebody in an encrypted call: further people of a room with data channels, by the page's own client.
async function talkByData([room, keys]) {
  const wire = [];
  const { send } = RTCDataChannel.prototype;
  RTCDataChannel.prototype.send = function (data) {
    wire.push(new TextDecoder().decode(data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data : new TextEncoder().encode(String(data))));
    return send.call(this, data);
  };
  const Room = window.rotunda.room.constructor;
  const { url } = window.rotunda.room.session;
  const enter = async (name, key) => {
    const one = new Room(url, room, name, { data: true, e2ee: { key } });
    await one.join({});
    return one;
  };
  const [bob, cid, eve] = [await enter('Bob', keys[0]), await enter('Cid', keys[0]), await enter('Eve', keys[1])];
  const heard = [];
  const unreadable = [];
  cid.on('data-unreadable', ({ label, state, userId }) => unreadable.push([label, state, userId === null]));
  const ended = new Promise((resolve) => {
    cid.data.consume({ label: 'chat' }, (data) => (data === 'the end' ? resolve() : heard.push(data))).then(async () => {
      const [mine, hers] = [await bob.data.produce({ label: 'chat', broadcast: true }), await eve.data.produce({ label: 'chat', broadcast: true })];
      mine.send('meet at noon');
      for (let i = 0; i < 5; i++) hers.send('meet me instead');
      while ([...cid.data.unreadable.values()].reduce((sum, count) => sum + count, 0) < 5) await new Promise((next) => setTimeout(next, 20));
      mine.send('the end');
    });
  });
  await ended;
  for (const one of [bob, cid, eve]) await one.leave();
  RTCDataChannel.prototype.send = send;
  return { heard, unreadable, clear: wire.filter((text) => text.includes('meet')).length, sent: wire.length };
}
EVERYWHERE['messages of data channels are sealed; what has another key is not heard, and told once'] = async ({ server, chromium }) => {
  const ann = await enter({ browser: chromium, server }, freshRoom(), 'Ann', KEY);
  const said = await ann.evaluate(talkByData, [freshRoom(), [KEY, OTHER_KEY]]);
  assert.deepEqual(said.heard, ['meet at noon']);
  assert.deepEqual(said.unreadable, [['chat', 'wrong-key', true]]);
  assert.deepEqual([said.clear, said.sent], [0, 7], 'nothing goes out as it was written');
  await close(ann);
};

// How wide the picture is that somebody decodes of the first other one.
const layerOf = (person) =>
  person.evaluate(async () => {
    const entry = [...window.rotunda.room.consumers.values()].find((one) => one?.kind === 'video');
    return [...(await entry.consumer.getStats()).values()].find(({ type }) => type === 'inbound-rtp')?.frameWidth;
  });

// What takes longer: two browsers, layers, another codec.
export const BROWSERS = {
  'screens that come and go, a camera that is switched off, a connection that is cut: everybody is seen again': async ({ server, chromium }) => {
    const room = freshRoom();
    const ann = await enter({ browser: chromium, server }, room, 'Ann', KEY);
    const bob = await enter({ browser: chromium, server }, room, 'Bob', KEY);
    await bob.seesAndHears('Ann');
    const screenOf = async (person, name) => (await person.stats()).got[name]?.screen?.frames ?? 0;
    for (let i = 0; i < 2; i++) {
      for (const person of [ann, bob]) await person.click('screen');
      await until('both screens are seen', async () => (await screenOf(ann, 'Bob')) > 2 && (await screenOf(bob, 'Ann')) > 2, { deadlineMs: 20_000 });
      for (const person of [ann, bob]) await person.click('screen');
      for (const person of [ann, bob]) await person.has('.tile.screen', false);
    }
    await ann.click('camera');
    await bob.tileHas('Ann', 'no-video');
    await ann.click('camera');
    await bob.tileHas('Ann', 'no-video', false);
    await bob.seesMoreOf('Ann', 3);
    await ann.evaluate(() => window.rotunda.room.session.cut());
    await bob.seesMoreOf('Ann', 5);
    await ann.seesMoreOf('Bob', 5);
    assert.deepEqual(await bob.evaluate(() => [...document.querySelectorAll('.tile p')].map((one) => one.innerText)), [], 'no tile complains');
    await close(ann, bob);
  },

  'Chromium and Firefox, layers, and who comes late; the key reaches nobody': async ({ server, chromium, firefox }) => {
    const room = freshRoom();
    const chris = await enter({ browser: chromium, server }, room, 'Chris', KEY, LAYERS);
    const fox = await enter({ browser: firefox, server }, room, 'Fox', KEY);
    await chris.has('#encrypted');
    await fox.seesAndHears('Chris');
    await chris.seesAndHears('Fox');
    await fox.resize(300, 420);
    await until('a lower layer comes', async () => (await layerOf(fox)) <= 480, { deadlineMs: 20_000 });
    await fox.resize(1600, 900);
    await until('the highest comes', async () => (await layerOf(fox)) === 960, { deadlineMs: 20_000 });
    const late = await enter({ browser: chromium, server }, room, 'Late', KEY);
    await late.seesAndHears('Chris', 'Fox');
    for (const person of [chris, late]) {
      assert.ok(person.wire.length > 20);
      assert.deepEqual(person.wire.filter((text) => text.includes(KEY)), [], 'the key is in nothing that is sent');
    }
    assert.match(await chris.evaluate(() => location.hash), new RegExp(KEY), 'and a reload has it');
    await close(late, chris, fox);
  },

  'AV1 in three simulcast layers of three in time: a viewer goes down and up, who comes late sees it': async ({ server, chromium }) => {
    const room = freshRoom();
    const ann = await enter({ browser: chromium, server }, room, 'Ann', KEY, { ...LAYERS, codec: 'av1' });
    const bob = await enter({ browser: chromium, server }, room, 'Bob', KEY, SMALL);
    await bob.seesAndHears('Ann');
    const sent = await ann.evaluate(() => window.rotunda.room.producers.get('camera').rtpParameters);
    assert.deepEqual(sent.encodings.map(({ scalabilityMode }) => scalabilityMode), ['L1T3', 'L1T3', 'L1T3']);
    assert.ok(sent.headerExtensions.some(({ uri }) => uri.endsWith('#dependency-descriptor-rtp-header-extension')));
    for (const [width, height, least, most] of [[300, 420, 1, 240], [1600, 900, 960, 960], [300, 420, 1, 240]]) {
      await bob.resize(width, height);
      await until(`${most} wide`, async () => (await layerOf(bob)) >= least && (await layerOf(bob)) <= most, { deadlineMs: 60_000, everyMs: 200 });
      await bob.seesMoreOf('Ann', 5); // and goes on there
    }
    assert.equal((await bob.stats()).got.Ann.video.codec, 'video/AV1');
    const late = await enter({ browser: chromium, server }, room, 'Late', KEY, SMALL);
    await late.seesAndHears('Ann');
    await close(late, bob, ann);
  },

  'AV1, with the layers that its dependency descriptor tells of': async ({ server, chromium }) => {
    const room = freshRoom();
    const ann = await enter({ browser: chromium, server }, room, 'Ann', KEY, { ...SMALL, codec: 'av1' });
    const bob = await enter({ browser: chromium, server }, room, 'Bob', KEY, SMALL);
    await bob.seesAndHears('Ann');
    assert.equal((await bob.stats()).got.Ann.video.codec, 'video/AV1');
    const late = await enter({ browser: chromium, server }, room, 'Late', KEY, SMALL);
    await late.seesAndHears('Ann');
    await close(late, bob, ann);
  },
};
