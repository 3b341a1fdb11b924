// A conference of four Chromium tabs through the real server, judged by what each tab's getStats says.

import { after, before, test } from 'node:test';
import { ARTIFACTS, openChromium, Person, sampleTwice } from './browsers.mjs';
import { assert, freshRoom, inOneOf } from './expect.mjs';
import { assertFlow, assertFlowWhile } from './flow.mjs';
import { delay, Server, until } from './harness.mjs';

const WINDOW_MS = 3_000;
const NAMES = ['Ann', 'Bob', 'Cid', 'Dan'];
// Four tabs encode four and decode twelve pictures on what may be two cores: small ones, so that the machine is not
// what is measured.
const SMALL = { width: '320', height: '180', fps: '15' };

let server, browser, room, people;
before(async () => {
  server = await Server.start();
  browser = await openChromium();
  room = freshRoom();
});
after(async () => {
  await browser.close();
  await server.stop();
});

const othersOf = (name) => NAMES.filter((other) => other !== name);

test('four tabs see and hear each other soon after joining', async (t) => {
  people = [];
  for (const name of NAMES) people.push(await Person.enter(browser, server, room, name, SMALL));
  for (const person of people) await person.seesAndHears(...othersOf(person.name));
  for (const person of people) assert.deepEqual(await person.tiles(), othersOf(person.name));
  const firsts = [];
  for (const [i, person] of people.entries()) {
    // Only those who were there already: how long a picture takes from the click on Join.
    const there = NAMES.slice(0, i);
    const marks = await until(`first pictures at ${person.name}`, async () => {
      const seen = (await person.firstFrames()).filter(({ name }) => there.includes(name));
      return seen.length >= there.length ? seen : null;
    });
    firsts.push(...marks.map(({ ms }) => ms));
  }
  firsts.sort((a, b) => a - b);
  t.diagnostic(`measured: join to first picture with 1 to 3 others, ms: ${firsts.join(' ')}`);
  assert.ok(firsts.at(-1) < 5000, `expected every first picture within 5 s, took ${firsts.at(-1)} ms`);
});

test('everything that is sent arrives at everyone, at the sent rate and without loss', async (t) => {
  await inOneOf(3, t, async () => assertFlow(await sampleTwice(people, WINDOW_MS)));
  await people[0].page.screenshot({ path: `${ARTIFACTS}chromium-4.png` });
});

test('a camera that is switched off stops, and comes back with a key frame', async () => {
  const [ann, bob] = people;
  const tileOfAnn = () => bob.evaluate(() => document.querySelector('.tile[data-name="Ann"]').className);
  await ann.click('camera');
  await until('the tile shows no video', async () => (await tileOfAnn()).includes('no-video'));
  await until('no more frames', async () => {
    const frames = (await bob.stats()).got.Ann.video.frames;
    await delay(500);
    return (await bob.stats()).got.Ann.video.frames === frames;
  });
  const silent = (await bob.stats()).got.Ann;
  await until('audio goes on', async () => (await bob.stats()).got.Ann.audio.packets > silent.audio.packets + 20);
  await ann.click('camera');
  await until('frames again', async () => (await bob.stats()).got.Ann.video.frames > silent.video.frames + 10);
  assert.ok(!(await tileOfAnn()).includes('no-video'));
});

test('a microphone that is switched off is silent', async () => {
  const [ann, bob] = people;
  await ann.click('microphone');
  const energyPerSecond = async () => {
    const first = (await bob.stats()).got.Ann.audio.energy;
    await delay(1000);
    return (await bob.stats()).got.Ann.audio.energy - first;
  };
  await until('silence', async () => (await energyPerSecond()) < 1e-6, { deadlineMs: 30_000 });
  await ann.click('microphone');
  await until('sound', async () => (await energyPerSecond()) > 1e-6, { deadlineMs: 30_000 });
});

test('a WebSocket that is cut comes back, and the media does not notice', async (t) => {
  const [ann, bob] = people;
  await inOneOf(3, t, () =>
    assertFlowWhile(people, async () => {
      const sameUser = await ann.evaluate(
        () =>
          new Promise((resolve) => {
            const { room } = window.rotunda;
            const id = room.userId;
            room.on('ready', ({ resumed }) => resolve(resumed && room.userId === id));
            room.session.cut();
          }),
      );
      assert.equal(sameUser, true, 'the same userId');
      await delay(1000);
    }),
  );
  assert.deepEqual(await bob.tiles(), othersOf('Bob'));
  await ann.click('camera'); // signalling works again
  await until('Bob hears of it', () =>
    bob.evaluate(() => document.querySelector('.tile[data-name="Ann"]').classList.contains('no-video')),
  );
  const { frames } = (await bob.stats()).got.Ann.video;
  await ann.click('camera');
  await until('frames again', async () => (await bob.stats()).got.Ann.video.frames > frames + 10);
});

test('ICE restarts in mid-call without a gap', async (t) => {
  const [ann] = people;
  await inOneOf(3, t, () =>
    assertFlowWhile(people, async () => {
      await ann.evaluate(async () => {
        const { room } = window.rotunda;
        await room.restartIce(room.sendTransport);
        await room.restartIce(room.recvTransport);
      });
      await delay(2500);
    }),
  );
  const states = await ann.evaluate(() => {
    const { sendTransport, recvTransport } = window.rotunda.room;
    return [sendTransport.connectionState, recvTransport.connectionState];
  });
  assert.deepEqual(states, ['connected', 'connected']);
});

test('a tab that reloads is back at once, and the others see it again', async () => {
  const [, bob, cid] = people;
  await bob.page.reload();
  await bob.inCall();
  await bob.seesAndHears(...othersOf('Bob'));
  await cid.seesAndHears(...othersOf('Cid'));
  assert.deepEqual(await cid.tiles(), othersOf('Cid'));
});

test('who leaves is gone from every page', async () => {
  const [ann, bob, cid, dan] = people;
  await dan.click('leave');
  for (const person of [ann, bob, cid])
    await until('the tile is gone', async () => !(await person.tiles()).includes('Dan'));
  assert.equal(await dan.evaluate(() => document.body.classList.contains('in-call')), false);
  await cid.page.close();
  for (const person of [ann, bob]) await until('the tile is gone', async () => !(await person.tiles()).includes('Cid'));
  assert.deepEqual(await ann.tiles(), ['Bob']);
});

test('a name that is taken is said in words', async () => {
  await assert.rejects(Person.enter(browser, server, room, 'Ann', SMALL), /take that place over/); // the same browser
  const stranger = { ...SMALL, init: () => localStorage.clear() };
  await assert.rejects(Person.enter(browser, server, room, 'Ann', stranger), /name is in the room already/);
});

test('the server dropped nothing without a good reason, and lets go of everything', async () => {
  // What a paused producer still had under way, and what a browser sent twice, is dropped rightly.
  const expected = /reason="(paused|rtp_duplicate|no_keys|unvalidated_tuple|rtp_unknown_ssrc|stun_unknown_ufrag)"/;
  const drops = [...(await server.metrics())].filter(([key, value]) => key.startsWith('rotunda_dropped') && value > 0);
  assert.deepEqual(drops.filter(([key]) => !expected.test(key)), []);
  for (const person of people.slice(0, 2)) await person.page.close();
  await until('nobody is left', async () => (await server.metric('rotunda_participants')) === 0, { deadlineMs: 40_000, everyMs: 200 });
});
