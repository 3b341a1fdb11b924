// Moderation on the page, in Chromium: password, lobby, menus by keyboard, hands, reactions, being put out.

import { after, before, test } from 'node:test';
import { openChromium } from './browsers.mjs';
import { assert } from './expect.mjs';
import { comes, openGarden } from './moderation_kit.mjs';
import { openStudio, recordsByButton } from './recording_kit.mjs';

let garden, browser;
before(async () => {
  garden = await openGarden();
  browser = await openChromium();
});
after(async () => {
  await browser.close();
  await garden.end();
});
const enters = (name, password) => comes(browser, garden.server, name, password);

const focused = (person) => person.evaluate(() => document.activeElement?.innerText);

test('a moderator lets in, mutes, gives the word, and puts out; those concerned are told', async () => {
  const ann = await enters('Ann', 'rake');
  await ann.inCall();
  const bob = await enters('Bob', 'wrong');
  await bob.shows('That password is wrong');
  await bob.page.fill('#password', 'gnome');
  await bob.page.keyboard.press('Enter');
  await bob.has('#waiting-room');
  await bob.until('the heading has the focus', () => document.activeElement?.tagName === 'H1');
  await bob.screenshot('moderation-waiting');
  await ann.shows('Bob is waiting outside.');
  await ann.screenshot('moderation-knock');
  await ann.click('admit-now');
  await bob.inCall();
  await ann.seesAndHears('Bob');

  // Hands in order, by key; a reaction, by its menu.
  for (const person of [bob, ann]) {
    await person.has('#hand'); // the keys are listened for by then
    await person.press('h');
    await person.until('the hand is up', () => document.querySelector('#hand').getAttribute('aria-pressed') === 'true');
  }
  await ann.click('people');
  await ann.until('two hands', () => document.querySelectorAll('#hands li').length === 2);
  assert.match(await ann.evaluate(() => document.querySelector('#hands').innerText), /1\.\s*Bob[\s\S]*2\.\s*Ann/);
  await ann.clickOn('[aria-label="Lower Bob\'s hand"]');
  await bob.until('the hand is down', () => document.querySelector('#hand').getAttribute('aria-pressed') === 'false');
  await bob.click('react');
  await bob.clickOn('[data-item="👏"]');
  await ann.until('the reaction', () => document.querySelector('#reactions')?.innerText.includes('👏'));

  // The menu of a person, by keyboard alone.
  await ann.page.focus('[id^="menu-"]');
  await ann.press('Enter');
  await ann.until('the menu is open', () => document.activeElement?.getAttribute('role') === 'menuitem');
  assert.equal(await focused(ann), 'Mute microphone');
  for (const [scheme, size] of [['light', [1280, 720]], ['dark', [1280, 720]], ['light', [390, 844]]]) {
    await browser.scheme(ann.page, scheme);
    await ann.resize(...size);
    await ann.screenshot(`moderation-${scheme}-${size[0]}`);
  }
  await ann.resize(1280, 720);
  await ann.press('Enter');
  await bob.shows('Ann has muted you');
  await bob.until('muted', () => document.querySelector('#microphone').getAttribute('aria-label') === 'Unmute microphone');

  // Who is locked out, and who is put out.
  await ann.click('lock');
  const cid = await enters('Cid', 'gnome');
  await cid.shows('The room is locked.');
  await ann.page.focus('[id^="menu-"]');
  await ann.press('Enter');
  await ann.until('the menu is open', () => document.activeElement?.getAttribute('role') === 'menuitem');
  await ann.press('End');
  assert.equal(await focused(ann), 'Ban from the room');
  await ann.press('ArrowUp');
  await ann.press('Enter');
  await ann.click('confirm');
  await bob.shows('Ann has removed you from the room.');
  for (const person of [ann, bob, cid]) assert.deepEqual(person.errors, []);
});

test('who may has the room recorded by a button; everybody sees and hears of it, and the files are good', async () => {
  const studio = await openStudio();
  try {
    const { picture } = await recordsByButton({ browser, studio }, { seconds: 1.5 });
    assert.equal(picture.codec, 'vp8');
  } finally {
    await studio.end();
  }
});
