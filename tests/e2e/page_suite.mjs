// The page in one browser: the same list for each.

import { after, before, test } from 'node:test';
import { CALLS, checkPage } from './call_scenarios.mjs';
import { Server } from './harness.mjs';
import * as scenarios from './page_scenarios.mjs';
import { APART, TOOLS } from './tool_scenarios.mjs';

const { ALONE, Company, FIVE, FIVE_OPTIONS, PAIR } = scenarios;

// Returns the world of the tests, filled before they run. options: of the server.
export function pageSuite(open, options = {}) {
  const world = { options };
  const pair = new Company(['Ann', 'Bob']);
  const five = new Company(FIVE, FIVE_OPTIONS);
  before(async () => {
    world.server = await Server.start(options);
    world.browser = await open();
  });
  after(async () => {
    await world.browser.close();
    await world.server.stop();
  });

  for (const [what, scenario] of Object.entries({ ...PAIR, ...TOOLS })) test(what, (t) => pair.run({ ...world, t }, scenario));
  for (const scheme of ['light', 'dark'])
    test(`axe finds nothing serious in the room, ${scheme}`, () => pair.run(world, (...all) => scenarios.roomIsAccessible(...all, scheme)));
  test('a server that is killed and started again: everyone is told, and comes back', async () => {
    await pair.run(world, scenarios.serverRestarts);
    await pair.dismiss();
  });
  test('five people see and hear each other on every size; who is not on the screen is not received', async () => {
    await five.run(world, scenarios.fiveOnEverySize);
    await five.dismiss();
  });
  for (const [what, scenario] of Object.entries({ ...ALONE, ...APART })) test(what, () => scenario(world));
  for (const scheme of ['light', 'dark'])
    test(`axe finds nothing serious before the room, ${scheme}`, () => scenarios.lobbyIsAccessible(world, scheme));
  return world;
}

export function callSuite(open, options = {}) {
  const world = { options };
  before(async () => {
    world.server = await Server.start(options);
    world.browser = await open();
  });
  after(async () => {
    await world.browser.close();
    await world.server.stop();
  });
  for (const [what, run] of Object.entries(CALLS)) test(`a call: ${what}`, () => run(world.browser, world.server));
  test('the check finds that everything works', () => checkPage(world.browser, world.server));
  return world;
}
