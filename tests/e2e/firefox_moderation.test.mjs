// Moderation on the page, in Firefox. Run by in_own_network.sh.

import { after, before, test } from 'node:test';
import { openFirefox } from './browsers.mjs';
import { assert } from './expect.mjs';
import { comes, openGarden } from './moderation_kit.mjs';

let garden, browser;
before(async () => {
  garden = await openGarden({ announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
  browser = await openFirefox();
});
after(async () => {
  await browser.close();
  await garden.end();
});

// page_moderation.test.mjs has all of it, in Chromium.
test('a moderator lets in, mutes by keyboard, and puts out', { timeout: 60_000 }, async () => {
  const { server } = garden;
  const ann = await comes(browser, server, 'Ann', 'rake');
  await ann.inCall();
  const bob = await comes(browser, server, 'Bob', 'gnome');
  await bob.has('#waiting-room');
  await ann.shows('Bob is waiting outside.');
  await ann.click('admit-now');
  await bob.inCall();
  await ann.page.bringToFront(); // keys go to the window in front
  await ann.click('people');
  await ann.has('[id^="menu-"]');
  await ann.page.focus('[id^="menu-"]');
  await ann.press('Enter');
  await ann.until('the menu is open', () => document.activeElement?.getAttribute('role') === 'menuitem');
  await ann.press('Enter');
  await bob.shows('Ann has muted you');
  await ann.page.focus('[id^="menu-"]');
  await ann.press('Enter');
  await ann.until('the menu is open', () => document.activeElement?.getAttribute('role') === 'menuitem');
  await ann.press('End');
  await ann.press('ArrowUp');
  await ann.press('Enter');
  await ann.click('confirm');
  await bob.shows('Ann has removed you from the room.');
  for (const person of [ann, bob]) assert.deepEqual(person.errors, []);
});
