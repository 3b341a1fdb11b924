// WHIP and WHEP with clients that no browser is: FFmpeg's whip muxer publishes, aiortc publishes and watches.
//
//   ROTUNDA_BIN=build-asan/rotunda node tests/interop/whip/run.mjs
//
// FFMPEG: a command that runs an FFmpeg with the whip muxer (8.0 or later; Debian 13 has 7.1), "ffmpeg" by default;
// PYTHON: one that has aiortc. What a machine lacks is named and left out; the exit status is 1 when something failed.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client, Server, until } from '../../e2e/harness.mjs';

const FFMPEG = (process.env.FFMPEG ?? 'ffmpeg').split(' ');
const PYTHON = process.env.PYTHON ?? 'python3';
const AIORTC = fileURLToPath(new URL('aiortc_whip.py', import.meta.url));
const SECONDS = 10;

function run(command, args) {
  const child = spawn(command[0], [...command.slice(1), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ status: -1, out, err: String(error) }));
    child.on('close', (status) => resolve({ status, out, err }));
  });
}

const aiortc = (role, url) => run([PYTHON], [AIORTC, role, url, String(role === 'view' ? SECONDS - 4 : SECONDS)]);
function ffmpeg(url, codec) {
  const video =
    codec === 'H264'
      ? ['-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-tune', 'zerolatency', '-bf', '0']
      : ['-c:v', 'libvpx', '-deadline', 'realtime'];
  const inputs = ['-re', '-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=15', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'];
  return run(FFMPEG, ['-hide_banner', '-loglevel', 'error', ...inputs, '-t', String(SECONDS), '-pix_fmt', 'yuv420p', ...video, '-g', '15', '-c:a', 'libopus', '-ac', '2', '-ar', '48000', '-f', 'whip', url]);
}

// One publishes, aiortc watches it; what came of both.
async function pair(name, server, publish) {
  const room = name.replaceAll(' ', '-');
  const watcher = await Client.join(server, room, 'watcher');
  const publishing = publish(`${server.origin}/whip/${room}?name=publisher`);
  await watcher.next('new-producer');
  await watcher.next('new-producer');
  const viewed = await aiortc('view', `${server.origin}/whep/${room}?from=publisher`);
  const published = await publishing;
  await watcher.next('user-left', ({ user }) => user === 'publisher');
  await watcher.close();
  const seen = viewed.status === 0 ? JSON.parse(viewed.out) : {};
  const good = published.status === 0 && seen.state === 'connected' && seen.deleted === 200 && seen.audio > 50 && seen.video > 15;
  console.log(`${good ? 'ok' : 'FAILED'} ${name}: published with status ${published.status}; aiortc saw ${viewed.out.trim() || viewed.err.slice(-300)}`);
  if (!good) console.log(published.err.slice(-600));
  return good;
}

const has = async (command, args, what) => {
  const { status, out } = await run(command, args);
  const there = status === 0 && (!what || what.test(out));
  if (!there) console.log(`left out: ${command.join(' ')} ${args.join(' ')} finds nothing`);
  return there;
};

if (!(await has([PYTHON], ['-c', 'import aiortc; print(aiortc.__version__)']))) process.exit(77);
const server = await Server.start();
let good = await pair('aiortc', server, (url) => aiortc('publish', url));
if (await has(FFMPEG, ['-hide_banner', '-muxers'], /^ *E +whip/m)) good = (await pair('ffmpeg h264', server, (url) => ffmpeg(url, 'H264'))) && good;
await until('no session is left', async () => (await server.metric('rotunda_whip_sessions')) + (await server.metric('rotunda_whep_sessions')) === 0);
await server.stop();
process.exit(good ? 0 : 1);
