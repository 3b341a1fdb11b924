// What the long runs share.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import WebSocket from '../e2e/node_modules/ws/wrapper.mjs';
import { ROOT } from '../e2e/harness.mjs';

export const folder = mkdtempSync(`${tmpdir()}/rotunda-soak-`);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

// The page's own client, as it is.
async function loadSession() {
  const { buildSync } = createRequire(`${ROOT}frontend/package.json`)('esbuild');
  const outfile = `${folder}/session.mjs`;
  buildSync({ entryPoints: [`${ROOT}frontend/packages/client/src/session.ts`], bundle: true, format: 'esm', outfile, logLevel: 'error' });
  return (await import(pathToFileURL(outfile))).Session;
}

// So many people with that client in one room. `tries` are the moments of their connections, `back` those of their joins.
export async function regulars(server, count, gaveUp) {
  const Session = await loadSession();
  const seen = { sessions: [], tries: [], back: [] };
  const makeSocket = (url) => {
    seen.tries.push(performance.now());
    const socket = new WebSocket(url);
    socket.on('error', () => {});
    return socket;
  };
  for (let i = 0; i < count; i++) {
    const session = new Session(`ws://127.0.0.1:${server.port}/ws`, 'regulars', `Regular ${i}`, { makeSocket });
    session.on('joined', () => seen.back.push(performance.now()));
    session.on('state', ({ name, error }) => name === 'ended' && error && gaveUp(error));
    seen.sessions.push(session);
  }
  await Promise.all(seen.sessions.map((session) => session.join()));
  seen.forget = () => {
    seen.tries.length = 0;
    seen.back.length = 0;
  };
  seen.forget();
  return seen;
}
