// Takes docs/images/page.png: four people on the page. Usage: ROTUNDA_BIN=build/rotunda node page_picture.mjs
import { mkdirSync } from 'node:fs';
import { openChromium, Person } from './browsers.mjs';
import { delay, ROOT, Server } from './harness.mjs';

const server = await Server.start();
const browser = await openChromium();
const people = [];
for (const name of ['Ada', 'Grace', 'Katherine', 'Radia']) people.push(await Person.enter(browser, server, 'study', name));
const names = people.slice(1).map(({ name }) => name);
await people[0].seesAndHears(...names);
await delay(3_000); // the encoders reach their full rate
mkdirSync(`${ROOT}docs/images`, { recursive: true });
await people[0].page.setViewportSize({ width: 1200, height: 720 });
await people[0].page.screenshot({ path: `${ROOT}docs/images/page.png` });
await browser.close();
await server.stop();
