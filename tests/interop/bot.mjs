// examples/aiortc/bot.py as it stands: two bots with tokens, of which one hears the other one and records it, and is heard
// by it. A bot that brings no token is refused in words.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ROOT, Server } from '../e2e/harness.mjs';

const PYTHON = process.env.PYTHON ?? `${ROOT}build-interop/python/bin/python3`;
const SECONDS = 12;

function start(args) {
  const child = spawn(PYTHON, [`${ROOT}examples/aiortc/bot.py`, ...args]);
  const bot = { output: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (bot.output += data));
  bot.done = new Promise((resolve) => child.on('close', resolve));
  return bot;
}

export async function bot() {
  const folder = mkdtempSync(`${tmpdir()}/rotunda-bot-`);
  const keys = `${folder}/keys`;
  writeFileSync(keys, 'devkey: 0123456789abcdef0123456789abcdef\n');
  const token = (name) =>
    execFileSync(process.env.ROTUNDA_BIN ?? `${ROOT}build/rotunda`, ['token', '--keys', keys, '--room', 'garden', '--identity', name], { encoding: 'utf8' }).trim();
  const server = await Server.start({ args: ['--keys', keys] });
  const result = { client: 'bot', faults: [] };
  try {
    const stranger = start([server.origin, 'garden']);
    if ((await stranger.done) === 0 || !/ 401 /.test(stranger.output)) result.faults.push(`without a token: ${stranger.output}`);
    const bots = [['ann', 'bob', SECONDS, []], ['bob', 'ann', SECONDS, ['--record', `${folder}/heard.mp4`]]].map(([name, other, seconds, more]) =>
      start([server.origin, 'garden', '--name', name, '--hear', other, '--seconds', String(seconds), '--token', token(name), '--listen-token', token(`${name}-hears`), ...more]),
    );
    const statuses = await Promise.all(bots.map(({ done }) => done));
    if (statuses.some((status) => status !== 0)) throw new Error(bots.map(({ output }) => output).join('\n'));
    const heard = JSON.parse(bots[0].output.trim().split('\n').at(-1));
    const recorded = statSync(`${folder}/heard.mp4`).size;
    if (heard.audio < 100 || heard.video < 30 || recorded < 5_000) result.faults.push(`ann heard ${JSON.stringify(heard)}, bob recorded ${recorded} bytes`);
    result.told = `${heard.audio} and ${heard.video} frames of sound and video in ${SECONDS} s; ${recorded} bytes recorded`;
    const left = (await server.metric('rotunda_whip_sessions')) + (await server.metric('rotunda_whep_sessions'));
    if (left !== 0) result.faults.push(`${left} sessions are left`);
  } catch (error) {
    result.faults.push(error.message);
  }
  await server.stop().catch((error) => result.faults.push(error.message));
  rmSync(folder, { recursive: true });
  return result;
}
