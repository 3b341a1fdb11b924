// What somebody publishes into a room, recorded by the server and decoded by FFmpeg.

import { existsSync, readFileSync } from 'node:fs';
import { delay, until } from '../../e2e/harness.mjs';
import { api } from '../../e2e/plain_kit.mjs';
import { probe } from '../../e2e/recording_kit.mjs';

// Waits for a sound and a picture in the room, and records them for so many seconds. Throws what is wrong with them.
export async function recordsWhatComes(server, room, seconds, { kinds = ['audio', 'video'] } = {}) {
  const tracks = async () => ((await api(server, 'GET', `rooms/${room}/participants`)).json.participants ?? []).flatMap(({ tracks: all }) => all ?? []);
  await until(`${kinds} in the room`, async () => (await tracks()).length >= kinds.length, { deadlineMs: 60_000, everyMs: 200 });
  const { json: info } = await api(server, 'POST', `rooms/${room}/recordings`, {});
  const file = `${info.folder}/events.jsonl`;
  const events = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)) : []);
  await until('all are in files', () => events().filter(({ event }) => event === 'file-opened').length >= kinds.length, { deadlineMs: 30_000, everyMs: 200 }).catch((error) => {
    throw new Error(`${error.message}\n${JSON.stringify(events())}`);
  });
  await delay(seconds * 1000); // what is recorded is time
  await api(server, 'DELETE', `rooms/${room}/recordings/${info.egressId}`);
  await until('it is written', () => events().at(-1)?.event === 'ended', { deadlineMs: 10_000, everyMs: 100 });
  const streams = (await Promise.all(events().at(-1).files.map((name) => probe(`${info.folder}/${name}`)))).flat();
  const words = streams.map(({ kind, codec, frames, width, seconds: long }) => `${kind} ${codec}${width ? ` ${width} wide` : ''}, ${frames} frames in ${long.toFixed(1)} s`).join('; ');
  if (!streams.every(({ frames, seconds: long }) => frames > 5 * seconds && long > seconds - 2)) throw new Error(`too little came: ${words}`);
  return { streams, words };
}
