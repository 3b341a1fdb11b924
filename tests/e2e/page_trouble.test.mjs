// What goes wrong for people, and what is not worth their bits: devices that were chosen and that go, networks that block
// media, a crash, a room with nobody else in it. In Chromium, which can be given several devices.

import { after, before, test } from 'node:test';
import { notePlayedSeconds, openChromium, Person } from './browsers.mjs';
import { assert, freshRoom } from './expect.mjs';
import { delay, Server, until } from './harness.mjs';
import { SMALL } from './page_scenarios.mjs';

let server, browser;
before(async () => {
  server = await Server.start();
  browser = await openChromium({ flags: ['--use-fake-device-for-media-stream=device-count=3'] });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const SIMULCAST = { width: '960', height: '540', fps: '10', simulcast: '1' };
const close = async (...people) => {
  for (const { page } of people) await page.close();
};

// Chooses in a list of devices by its label; returns the id of the chosen device.
const choose = (person, label, number) =>
  person.evaluate(
    ([words, place]) => {
      const select = [...document.querySelectorAll('label')].find(({ textContent }) => textContent === words).control;
      const { set } = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value');
      set.call(select, select.options[place].value);
      select.dispatchEvent(new Event('change', { bubbles: true }));
      return select.value;
    },
    [label, number],
  );
const listed = (person, label) =>
  person.until(`a choice of ${label}`, (words) => {
    const select = [...document.querySelectorAll('label')].find(({ textContent }) => textContent === words)?.control;
    return select?.options.length > 2;
  }, label);
const deviceOf = (person, source) => person.evaluate((of) => window.rotunda.room.producers.get(of)?.track?.getSettings().deviceId ?? null, source);

test('the camera and the microphone that are chosen are the ones that are used, in the lobby and in the room', async () => {
  const ann = await Person.open(browser, 'Ann');
  await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
  await ann.clickOn('details > summary');
  await listed(ann, 'Camera');
  const camera = await choose(ann, 'Camera', 2);
  const microphone = await choose(ann, 'Microphone', 2);
  await ann.until('the preview shows it', (id) => document.querySelector('video')?.srcObject?.getTracks()[0]?.getSettings().deviceId === id, camera);
  await ann.clickOn('#join:not([disabled])');
  await ann.inCall();
  assert.equal(await deviceOf(ann, 'camera'), camera);
  assert.equal(await deviceOf(ann, 'microphone'), microphone);
  await ann.click('settings');
  await listed(ann, 'Camera');
  const other = await choose(ann, 'Camera', 3);
  assert.notEqual(other, camera);
  await until('the other camera is sent', async () => (await deviceOf(ann, 'camera')) === other);
  const otherMicrophone = await choose(ann, 'Microphone', 1);
  await until('the other microphone is sent', async () => (await deviceOf(ann, 'microphone')) === otherMicrophone);
  await ann.evaluate(() => localStorage.clear());
  await close(ann);
});

test('a chosen device that is not there: another one stands in, and that is said', async () => {
  const ann = await Person.open(browser, 'Ann', {
    init: () => localStorage.setItem('rotunda', JSON.stringify({ state: { cameraId: 'in-a-drawer' }, version: 0 })),
  });
  await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
  await ann.shows('The camera you chose is not available. Another one is used.');
  await ann.has('video');
  await ann.evaluate(() => localStorage.clear());
  await ann.page.close();
});

test('a camera that is unplugged is switched off for everyone, and comes back with a click', async () => {
  const room = freshRoom();
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
  await bob.seesAndHears('Ann');
  await ann.evaluate(() => window.rotunda.room.producers.get('camera').track.dispatchEvent(new Event('ended')));
  await ann.shows('Your camera is gone');
  await bob.tileHas('Ann', 'no-video');
  await ann.screenshot('chromium-camera-gone');
  await ann.click('restore-camera');
  await ann.has('#restore-camera', false);
  await bob.tileHas('Ann', 'no-video', false);
  await bob.seesMoreOf('Ann');
  // Another program takes it, and gives it back.
  const happens = (event) => ann.evaluate((name) => window.rotunda.room.producers.get('camera').track.dispatchEvent(new Event(name)), event);
  await happens('mute');
  await ann.shows('Your camera was taken by another program');
  await ann.has('#restore-camera');
  await bob.tileHas('Ann', 'no-video');
  await happens('unmute');
  await ann.has('#restore-camera', false);
  await bob.tileHas('Ann', 'no-video', false);
  await bob.seesMoreOf('Ann');
  await close(ann, bob);
});

// How soon is held to on a virtual clock (packages/client/tests/media-watch.test.ts).
test('a network that blocks UDP: a banner names the leg, and says what to do', async (t) => {
  // Nothing reaches an address that is for documentation only.
  const unreachable = await Server.start({ announce: '192.0.2.1' });
  const ann = await Person.enter(browser, unreachable, freshRoom(), 'Ann', SMALL);
  const bob = await Person.enter(browser, unreachable, new URL(ann.page.url()).searchParams.get('room'), 'Bob', SMALL);
  const start = performance.now();
  await ann.until('the banner', () => document.getElementById('path')?.dataset.leg === 'ice');
  t.diagnostic(`measured: a banner ${Math.round(performance.now() - start)} ms after joining by a network that blocks UDP`);
  await ann.has('a[href="/check"]');
  await ann.screenshot('chromium-blocked');
  await close(ann, bob);
  await unreachable.stop();
});

test('after a crash the new tab takes the place over, under the same name', async () => {
  const room = freshRoom();
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
  await bob.seesAndHears('Ann');
  const again = await Person.open(browser, 'Ann');
  await again.page.goto(`${server.origin}/?${new URLSearchParams({ room, name: 'Ann', auto: '1', ...SMALL })}`);
  await again.shows('You can take that place over.');
  await again.screenshot('chromium-take-over');
  await again.click('take-over');
  await again.inCall();
  await ann.shows('The call continues in another tab.');
  await again.seesAndHears('Bob');
  await bob.seesAndHears('Ann');
  assert.deepEqual(await bob.tiles(), ['Ann']);
  await close(ann, again, bob);
});

test('a stranger with the same name is offered nothing', async () => {
  const room = freshRoom();
  const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
  const other = await Person.open(browser, 'Ann', { init: () => localStorage.clear() });
  await other.page.goto(`${server.origin}/?${new URLSearchParams({ room, name: 'Ann', auto: '1', ...SMALL })}`);
  await other.shows('Choose another name');
  await other.has('#take-over', false);
  await close(ann, other);
});

test('a first join that finds no server is tried again until there is one', async () => {
  const later = await Server.start();
  const ann = await Person.open(browser, 'Ann');
  await ann.page.goto(`${later.origin}/?room=${freshRoom()}&name=Ann`);
  await ann.has('#join:not([disabled])');
  const { port } = later;
  await later.kill();
  await ann.click('join');
  await ann.has('#retrying');
  const back = await Server.start({ port });
  await ann.inCall();
  await ann.page.close();
  await back.stop();
});

// Pictures and sound that were encoded so far, and of how many layers.
const encoded = async (person) =>
  person.evaluate(async () => {
    const result = { frames: {}, packets: 0 }; // frames by layer: r0 is the lowest
    for (const producer of window.rotunda.room.producers.values())
      for (const stat of (await producer.getStats()).values()) {
        if (stat.type !== 'outbound-rtp') continue;
        if (stat.kind === 'video') result.frames[stat.rid] = stat.framesEncoded;
        result.packets += stat.packetsSent;
      }
    return result;
  });
const gains = async (person, ms) => {
  const before = await encoded(person);
  await delay(ms);
  const now = await encoded(person);
  const frames = Object.fromEntries(Object.entries(now.frames).map(([rid, count]) => [rid, count - (before.frames[rid] ?? 0)]));
  return { frames, packets: now.packets - before.packets };
};

test('alone in a room nothing is encoded; with company no more layers than are shown', async () => {
  const room = freshRoom();
  const ann = await Person.enter(browser, server, room, 'Ann', SIMULCAST);
  await until('nothing is encoded', async () => {
    const { frames, packets } = await gains(ann, 500);
    return packets === 0 && Object.values(frames).every((count) => count === 0);
  });
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  await bob.resize(300, 420);
  await bob.seesAndHears('Ann');
  await until('only the lower layers are encoded', async () => {
    const { frames } = await gains(ann, 1000);
    return frames.r0 > 0 && frames.r2 === 0;
  });
  await bob.resize(1600, 900);
  await until('the highest is', async () => (await gains(ann, 500)).frames.r2 > 0, { deadlineMs: 20_000 }).catch(async (error) => {
    const senders = await ann.evaluate(async () => {
      const { rtpSender } = window.rotunda.room.producers.get('camera');
      const streams = [...(await rtpSender.getStats()).values()].filter(({ type }) => type === 'outbound-rtp');
      const encodings = rtpSender.getParameters().encodings.map(({ rid, active }) => [rid, active]);
      return { encodings, streams: streams.map((one) => [one.rid, one.frameWidth, one.framesEncoded, one.targetBitrate, one.qualityLimitationReason]) };
    });
    throw new Error(`${error.message}; ${JSON.stringify(senders)}`);
  });
  await bob.seesMoreOf('Ann');
  await bob.page.close();
  await until('nothing is any more', async () => (await gains(ann, 500)).packets === 0);
  const cid = await Person.enter(browser, server, room, 'Cid', SMALL);
  await cid.seesAndHears('Ann');
  await close(ann, cid);
});

test('who has lost the network is shown so, and as well again when it is back', async () => {
  const room = freshRoom();
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
  await bob.seesAndHears('Ann');
  await delay(2500); // a look at what comes, so that its end can be seen
  const silence = (on) =>
    ann.evaluate((active) => {
      for (const producer of window.rotunda.room.producers.values()) {
        const parameters = producer.rtpSender.getParameters();
        for (const encoding of parameters.encodings) encoding.active = active;
        void producer.rtpSender.setParameters(parameters);
      }
    }, on);
  await silence(false);
  await bob.until('Ann is away', () => document.querySelector('.tile[data-name="Ann"]')?.classList.contains('away'));
  await bob.screenshot('chromium-away');
  await silence(true);
  await bob.tileHas('Ann', 'away', false);
  await close(ann, bob);
});

test('the focus is never lost: settings, chat and leaving give it back; Escape closes the chat', async () => {
  const ann = await Person.enter(browser, server, freshRoom(), 'Ann', SMALL);
  const focused = () => ann.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);
  await until('the focus is at the top of the room', async () => (await focused()) === 'room-name');
  const address = ann.page.url();
  await ann.press('Shift+Tab');
  assert.match(await ann.evaluate(() => document.activeElement.className), /\bskip\b/, 'before the room there is a way past it');
  await ann.press('Enter');
  assert.equal(await ann.evaluate(() => document.activeElement.closest('#controls') !== null), true, 'at the controls');
  assert.equal(await ann.evaluate(() => document.querySelector('[role="dialog"]')), null, 'which is no step back');
  assert.equal(ann.page.url(), address);
  await ann.click('settings');
  await ann.has('[role="dialog"]');
  await ann.press('Escape');
  await until('the focus is on Settings', async () => (await focused()) === 'settings');
  await ann.click('chat');
  await until('the focus is in the chat', async () => (await focused()) === 'chat-text');
  await ann.press('Escape');
  await ann.has('#chat-text', false);
  assert.equal(await focused(), 'chat');
  await ann.click('leave');
  await ann.shows('You left the call');
  assert.equal(await focused(), 'H1');
  await ann.page.close();
});

test('the back button closes what is open, and asks before it leaves', async () => {
  const ann = await Person.open(browser, 'Ann');
  await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
  await ann.clickOn('#join:not([disabled])');
  await ann.inCall();
  await ann.click('chat');
  await ann.has('#chat-text');
  await ann.page.goBack();
  await ann.has('#chat-text', false);
  await ann.page.goBack();
  await ann.has('#leave-now');
  await ann.click('stay');
  await ann.has('[role="dialog"]', false);
  await ann.page.goBack();
  await ann.click('leave-now');
  await ann.shows('You left the call');
  await ann.page.close();
});

test('links in the chat can be followed, and tell nobody where from', async () => {
  const room = freshRoom();
  const bob = await Person.enter(browser, server, room, 'Bob', SMALL);
  const ann = await Person.enter(browser, server, room, 'Ann', SMALL);
  await ann.say('see https://example.org/a_(b), please');
  await bob.shows('see https://example.org/a_(b), please'); // in the toast
  await bob.click('chat');
  const link = await bob.until('a link', () => {
    const { href, rel, target } = document.querySelector('#messages a') ?? {};
    return href ? { href, rel, target } : null;
  });
  assert.deepEqual(link, { href: 'https://example.org/a_(b)', rel: 'noopener noreferrer nofollow', target: '_blank' });
  await close(ann, bob);
});

test('where a page gets no devices it says why, and one can join all the same', async () => {
  const ann = await Person.open(browser, 'Ann', { init: () => Object.defineProperty(navigator, 'mediaDevices', { value: undefined }) });
  await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
  await ann.shows('Browsers allow camera and microphone only on https pages');
  await ann.clickOn('#join:not([disabled])');
  await ann.inCall();
  await ann.click('camera');
  await ann.has('[data-sonner-toast]');
  await ann.until('words, not an engine’s', () => /only on https pages/.test(document.querySelector('[data-sonner-toast]').textContent));
  await ann.page.close();
});

test('the microphone is heard back in the lobby', async () => {
  const ann = await Person.open(browser, 'Ann', { init: notePlayedSeconds });
  await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
  await ann.clickOn('details > summary');
  await ann.click('test-microphone');
  const seconds = await ann.until('it was played to its end', () => window.playedSeconds ?? null, undefined);
  assert.ok(seconds > 1.5, `expected about three seconds, got ${seconds} s`);
  await ann.has('#test-microphone:not([disabled])');
  await ann.page.close();
});

test('noise suppression can be switched off in mid-call', async () => {
  const ann = await Person.enter(browser, server, freshRoom(), 'Ann', SMALL);
  const suppresses = () => ann.evaluate(() => window.rotunda.room.producers.get('microphone').track.getSettings().noiseSuppression);
  assert.equal(await suppresses(), true);
  await ann.click('settings');
  await ann.clickOn('[role="dialog"] input[type="checkbox"]');
  await until('it is off', async () => (await suppresses()) === false);
  await ann.evaluate(() => localStorage.clear());
  await ann.page.close();
});

test('the page can be installed', async () => {
  const ann = await Person.open(browser, 'Ann');
  await ann.page.goto(`${server.origin}/`);
  const manifest = await ann.evaluate(async () => {
    const answer = await fetch(document.querySelector('link[rel="manifest"]').href);
    return { type: answer.headers.get('content-type'), ...(await answer.json()) };
  });
  assert.match(manifest.type, /application\/manifest\+json/);
  assert.equal(manifest.display, 'standalone');
  for (const { src } of manifest.icons) assert.equal((await fetch(`${server.origin}${src}`)).status, 200);
  await ann.page.close();
});

test('half an emoji in a name is said before the server has to', async () => {
  const ann = await Person.open(browser, 'Ann');
  await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
  await ann.has('#join:not([disabled])');
  await ann.evaluate(() => {
    const field = document.getElementById('name');
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, 'Ann \ud83d');
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await ann.shows('half a character');
  await ann.has('#join[disabled]');
  await ann.page.close();
});

test('Join is within the window at 200 % zoom', async () => {
  const ann = await Person.open(browser, 'Ann');
  await ann.resize(640, 360);
  await ann.page.goto(`${server.origin}/?room=${freshRoom()}&name=Ann`);
  await ann.has('#join:not([disabled])');
  await ann.screenshot('chromium-lobby-zoomed');
  const { bottom } = await ann.evaluate(() => document.getElementById('join').getBoundingClientRect().toJSON());
  assert.ok(bottom <= 360, `expected Join within 360 pixels, got ${bottom}`);
  await ann.page.close();
});
