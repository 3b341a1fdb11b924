// A room with a password, a lobby and a moderator, and who comes to it on the page.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Person } from './browsers.mjs';
import { ROOT, Server } from './harness.mjs';

const BINARY = process.env.ROTUNDA_BIN ?? `${ROOT}build/rotunda`;
const hash = (password) => execFileSync(BINARY, ['password'], { input: `${password}\n`, encoding: 'utf8' }).trim();

// The password of "garden" is gnome; Ann's, who moderates there, is rake. `end` stops the server.
export async function openGarden(options = {}) {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-moderation-`);
  writeFileSync(`${folder}/rooms`, `[garden]\npassword = ${hash('gnome')}\nmoderator = Ann: ${hash('rake')}\nlobby = yes\n`);
  const server = await Server.start({ ...options, args: ['--rooms', `${folder}/rooms`] });
  const end = async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  };
  return { server, end };
}

// On the page of the garden; knocks with the password once the page asks for it.
export async function comes(browser, server, name, password) {
  const person = await Person.open(browser, name);
  await person.page.goto(`${server.origin}/?${new URLSearchParams({ room: 'garden', name })}`);
  await person.page.waitForSelector('#join:not([disabled])');
  await person.click('join');
  await person.shows('has a password');
  await person.page.type('#password', password);
  await person.page.keyboard.press('Enter');
  return person;
}
