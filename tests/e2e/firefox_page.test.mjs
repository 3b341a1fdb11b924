// The page in Firefox: chat, mute, calls from browser to browser, the check. Run by in_own_network.sh.

import { after, before, test } from 'node:test';
import { openFirefox } from './browsers.mjs';
import { Server } from './harness.mjs';
import { CALLS, chatAndMute, checkPage } from './page_scenarios.mjs';

let server, firefox;
before(async () => {
  server = await Server.start({ announce: process.env.ROTUNDA_TEST_ADDRESS ?? '127.0.0.1' });
  firefox = await openFirefox();
});
after(async () => {
  await firefox.close();
  await server.stop();
});

test('chat with what is unread, and mute shown to others', () => chatAndMute(firefox, server));
for (const [what, run] of Object.entries(CALLS)) test(`a call: ${what}`, () => run(firefox, server));
test('the check finds that everything works', () => checkPage(firefox, server));
