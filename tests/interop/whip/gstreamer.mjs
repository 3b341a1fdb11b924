// GStreamer's elements for WHIP and WHEP, of gst-plugins-rs: whipsink and whipclientsink publish, which is recorded and
// decoded by FFmpeg; whepsrc watches, and what it gets is decoded.
//
//   ROTUNDA_BIN=build-asan/rotunda GST='gst-launch-1.0' GST_INSPECT='gst-inspect-1.0' \
//     tests/e2e/in_own_network.sh node tests/interop/whip/gstreamer.mjs
//
// GST, GST_INSPECT: commands that run GStreamer with these plugins (docs/interop.md says how they were made). What is
// missing is named and left out; 77: all of it is.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Server, until } from '../../e2e/harness.mjs';
import { KEY, tokenOf } from '../../e2e/plain_kit.mjs';
import { recordsWhatComes } from './recorded.mjs';

const GST = (process.env.GST ?? 'gst-launch-1.0').split(' ');
const INSPECT = (process.env.GST_INSPECT ?? 'gst-inspect-1.0').split(' ');

function run(command, args, seconds = 90) {
  const child = spawn(command[0], [...command.slice(1), ...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const told = { out: '', err: '' };
  child.stdout.on('data', (data) => (told.out += data));
  child.stderr.on('data', (data) => (told.err += data));
  told.end = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // it has ended
    }
  };
  const timer = setTimeout(() => told.end('SIGKILL'), seconds * 1000);
  told.done = new Promise((resolve) => {
    child.on('error', (error) => resolve(Object.assign(told, { status: -1, err: String(error) })));
    child.on('close', (status) => (clearTimeout(timer), resolve(Object.assign(told, { status }))));
  });
  return told;
}

const folder = mkdtempSync(`${tmpdir()}/rotunda-gst-`);
writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
// libnice gathers nothing on loopback.
const server = await Server.start({ announce: process.env.ROTUNDA_TEST_ADDRESS, args: ['--keys', `${folder}/keys`, '--record-dir', folder] });
const grant = (room, name) => tokenOf({ sub: name, name, video: { room, roomJoin: true } });

const picture = 'videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=15/1 ! queue';
const sound = 'audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=48000,channels=2 ! queue';
const publishers = {
  whipsink: (url, token) =>
    `whipsink name=ws whip-endpoint=${url} auth-token=${token} ${picture} ! vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96 picture-id-mode=2 ! application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000 ! ws. ${sound} ! opusenc ! rtpopuspay pt=97 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2 ! ws.`,
  whipclientsink: (url, token) =>
    `whipclientsink name=ws signaller::whip-endpoint=${url} signaller::auth-token=${token} video-caps=video/x-vp8 ${picture} ! ws. ${sound} ! ws.`,
};
// Ends by itself when it has decoded so much of both.
const viewer = (url, token) =>
  `whepsrc name=src whep-endpoint=${url} auth-token=${token} src. ! queue ! decodebin ! fakesink num-buffers=60 sync=false async=false src. ! queue ! decodebin ! fakesink num-buffers=60 sync=false async=false`;

const has = async (element) => {
  const { status, out } = await run(INSPECT, [element]).done;
  const version = out.match(/^ *Version +(\S+)/m)?.[1];
  console.log(status === 0 ? `${element} ${version}` : `left out: there is no ${element}`);
  return status === 0;
};

let tried = 0;
let good = true;
const there = {};
for (const element of ['whipsink', 'whipclientsink', 'whepsrc']) there[element] = await has(element);
for (const [element, pipeline] of Object.entries(publishers)) {
  if (!there[element]) continue;
  tried++;
  const publishing = run(GST, [...pipeline(`${server.origin}/whip/${element}`, grant(element, 'gst')).split(' ')], 120);
  try {
    const { words, streams } = await recordsWhatComes(server, element, 5);
    console.log(`${element}: ${words}`);
    if (streams.length !== 2) throw new Error(`${streams.length} files`);
    if (there.whepsrc) {
      const watched = await run(GST, viewer(`${server.origin}/whep/${element}`, grant(element, 'viewer')).split(' '), 60).done;
      if (watched.status !== 0) throw new Error(`whepsrc ended with ${watched.status}: ${(watched.out + watched.err).slice(-1500)}`);
      console.log('whepsrc: 60 pictures and 60 frames of sound decoded');
      await until('its session has ended', async () => (await server.metric('rotunda_whep_sessions')) === 0, { deadlineMs: 60_000 });
    }
    publishing.end('SIGINT'); // it says goodbye by DELETE
    await until('the session has ended', async () => (await server.metric('rotunda_whip_sessions')) === 0, { deadlineMs: 60_000 });
    console.log(`ok ${element}`);
  } catch (error) {
    good = false;
    publishing.end('SIGKILL');
    await publishing.done;
    console.log(`FAILED ${element}: ${error.message}\n${(publishing.out + publishing.err).slice(-3000)}`);
  }
  publishing.end('SIGKILL');
  await publishing.done;
}
await server.stop();
rmSync(folder, { recursive: true });
process.exit(good ? (tried > 0 ? 0 : 77) : 1);
