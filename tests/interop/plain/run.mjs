// Plain RTP with the programs that it is for: FFmpeg and GStreamer publish into a room and get what it has, in the
// clear and over SRTP with keys of SDES, as the commands of docs/interop.md do.
//
//   ROTUNDA_BIN=build-asan/rotunda node tests/interop/plain/run.mjs [NAME...]
//
// What a machine lacks is named and left out; the exit status is 1 when something failed.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delay, ROOT, Server, until } from '../../e2e/harness.mjs';
import { api, AUDIO, KEY, Port, VIDEO } from '../../e2e/plain_kit.mjs';

const SECONDS = 6;
const RECORDER = `${(process.env.ROTUNDA_BIN ?? `${ROOT}build/rotunda`).replace(/rotunda$/, '')}rotunda-record`;
const SUITE = 'AES_CM_128_HMAC_SHA1_80';
const folder = mkdtempSync(`${tmpdir()}/rotunda-interop-`);
writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
const first = 20000 + 2 * Math.floor(Math.random() * 10000);
const server = await Server.start({ args: ['--keys', `${folder}/keys`, '--plain-ports', `${first}-${first + 99}`, '--record-dir', folder] });
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

// Ends by itself; `seconds` is far beyond that.
function run(program, args, seconds = 60) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: seconds * 1000 });
  children.add(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const done = new Promise((resolve) => {
    child.on('error', (error) => resolve({ status: -1, out, err: String(error) }));
    child.on('close', (status) => (children.delete(child), resolve({ status, out, err })));
  });
  return { child, done };
}
const has = async (program, args) => (await run(program, args).done).status === 0;

async function called(path, body) {
  const { status, json } = await api(server, 'POST', path, body);
  if (status !== 200) throw new Error(`${path}: ${status} ${json.msg}`);
  return json;
}
const key = () => ({ cryptoSuite: SUITE, keyBase64: randomBytes(30).toString('base64') });

const ofCodec = (ask, name) => {
  if (name === 'H264') Object.assign(ask.rtpParameters.codecs[0], { mimeType: 'video/H264', parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f' } });
  return ask;
};
// Opens what a publisher needs: {video, audio}, each with its port and, over SRTP, our key.
async function ingress(room, { srtp, video = 'VP8' }) {
  const made = {};
  for (const [kind, produce] of [['video', ofCodec(VIDEO(1111), video)], ['audio', AUDIO(2222)]]) {
    const theirs = srtp ? key() : undefined;
    const transport = await called(`rooms/${room}/plain-transports`, { name: `${kind} of a file`, direction: 'send', comedia: true, rtcpMux: true, srtpParameters: theirs });
    const { producerId } = await called(`rooms/${room}/plain-transports/${transport.id}/producers`, produce);
    made[kind] = { port: transport.port, producerId, theirs };
  }
  return made;
}

async function freePorts() {
  for (;;) {
    const port = await Port.open();
    const { number } = port;
    port.close();
    if (number % 2 === 0 && number < 60000) return number;
  }
}

// Opens what a viewer needs, and says what it gets as a session description.
async function egress(room, producers, { srtp }) {
  const media = [];
  for (const kind of ['video', 'audio']) {
    const port = await freePorts();
    const theirs = srtp ? key() : undefined;
    const transport = await called(`rooms/${room}/plain-transports`, { name: `${kind} viewer`, direction: 'recv', ip: '127.0.0.1', port, hidden: true, srtpParameters: theirs });
    const path = `rooms/${room}/plain-transports/${transport.id}/consumers`;
    const consume = (paused) => called(path, { producerId: producers[kind].producerId, paused });
    media.push({ kind, port, transport, consume, theirs, ours: transport.srtpParameters });
  }
  return media;
}

// One description of both: the head of the first, and the media of each.
function joinSdp(consumers, media) {
  const [head] = consumers[0].sdp.split('m=');
  const parts = consumers.map(({ sdp }, i) => {
    let part = `m=${sdp.split('m=')[1]}`;
    if (media[i].ours) part = `${part.replace('RTP/AVP', 'RTP/SAVP')}a=crypto:1 ${SUITE} inline:${media[i].ours.keyBase64}\r\n`;
    return part;
  });
  return head + parts.join('');
}

// ---- publishers: each runs until it is killed

const ffmpegOut = ({ port, theirs }, ssrc, payloadType) => [
  ...(theirs ? ['-srtp_out_suite', SUITE, '-srtp_out_params', theirs.keyBase64] : []),
  ...['-ssrc', String(ssrc), '-payload_type', String(payloadType), '-f', 'rtp', `${theirs ? 'srtp' : 'rtp'}://127.0.0.1:${port}?pkt_size=1200`],
];
const publishers = {
  ffmpeg: (at) =>
    run('ffmpeg', [
      ...['-hide_banner', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=15', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
      ...['-map', '0:v', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '600k', '-g', '30', ...ffmpegOut(at.video, 1111, 101)],
      ...['-map', '1:a', '-c:a', 'libopus', '-ac', '2', '-b:a', '64k', ...ffmpegOut(at.audio, 2222, 100)],
    ]),
  ffmpegH264: (at) =>
    run('ffmpeg', [
      ...['-hide_banner', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=15', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
      ...['-map', '0:v', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-g', '15', ...ffmpegOut(at.video, 1111, 101)],
      ...['-map', '1:a', '-c:a', 'libopus', '-ac', '2', '-b:a', '64k', ...ffmpegOut(at.audio, 2222, 100)],
    ]),
  gstreamer: (at) =>
    run('gst-launch-1.0', [
      ...['-q', 'videotestsrc', 'is-live=true', '!', 'video/x-raw,width=640,height=360,framerate=15/1', '!', 'vp8enc', 'deadline=1', 'keyframe-max-dist=30', '!'],
      ...['rtpvp8pay', 'pt=101', 'ssrc=1111', 'mtu=1200', '!', 'udpsink', 'host=127.0.0.1', `port=${at.video.port}`],
      ...['audiotestsrc', 'is-live=true', '!', 'audioconvert', '!', 'audio/x-raw,channels=2,rate=48000', '!', 'opusenc', '!'],
      ...['rtpopuspay', 'pt=100', 'ssrc=2222', '!', 'udpsink', 'host=127.0.0.1', `port=${at.audio.port}`],
    ]),
};

// ---- viewers: each gets some seconds and says how much it could decode

function counts(out) {
  const streams = JSON.parse(out).streams ?? [];
  const read = (kind) => Number(streams.find(({ codec_type: type }) => type === kind)?.nb_read_frames ?? 0);
  return { video: read('video'), audio: read('audio') };
}

const LIVE = ['-hide_banner', '-loglevel', 'error', '-protocol_whitelist', 'file,udp,rtp,srtp,crypto'];
const H264_AAC = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '15', '-c:a', 'aac'];
const viewers = {
  // As a person would record it; what it wrote is read by ffprobe.
  async ffmpeg(media, consume) {
    const file = `${folder}/${Math.random()}.mkv`;
    const sdp = `${folder}/view.sdp`;
    const consumers = await consume(true);
    writeFileSync(sdp, joinSdp(consumers, media));
    const viewer = run('ffmpeg', [...LIVE, '-i', sdp, '-t', String(SECONDS - 2), '-c', 'copy', file]);
    const { err } = await viewer.done;
    const probed = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', file]).done;
    return { ...counts(probed.out), said: err };
  },
  // Live, for players: H264 and AAC in segments.
  async hls(media, consume) {
    const folderOfIt = mkdtempSync(`${folder}/hls-`);
    writeFileSync(`${folder}/hls.sdp`, joinSdp(await consume(true), media));
    const { err } = await run('ffmpeg', [...LIVE, '-i', `${folder}/hls.sdp`, '-t', String(SECONDS - 1), ...H264_AAC, '-f', 'hls', '-hls_time', '1', '-hls_list_size', '0', `${folderOfIt}/live.m3u8`]).done;
    const probed = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', `${folderOfIt}/live.m3u8`]).done;
    return { ...counts(probed.out), said: err + probed.err };
  },
  // To whoever takes RTMP, which here is FFmpeg, too.
  async rtmp(media, consume) {
    const url = `rtmp://127.0.0.1:${await freePorts()}/live/key`;
    const taken = run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-listen', '1', '-i', url, '-c', 'copy', `${folder}/taken.flv`]);
    writeFileSync(`${folder}/rtmp.sdp`, joinSdp(await consume(true), media));
    const { err } = await run('ffmpeg', [...LIVE, '-i', `${folder}/rtmp.sdp`, '-t', String(SECONDS - 1), ...H264_AAC, '-f', 'flv', url]).done;
    await taken.done;
    const probed = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', `${folder}/taken.flv`]).done;
    return { ...counts(probed.out), said: err + probed.err };
  },
  // The recorder, and one picture of what it made.
  async recording(media, consume, room) {
    for (const { transport } of media) await api(server, 'DELETE', `rooms/${room}/plain-transports/${transport.id}`);
    const info = await called(`rooms/${room}/recordings`, {});
    await delay((SECONDS + 4) * 1000); // what is recorded is time
    await api(server, 'DELETE', `rooms/${room}/recordings/${info.egressId}`);
    await until('it is written', async () => (await api(server, 'GET', `rooms/${room}/recordings`)).json.recordings.length === 0);
    const seen = { video: 0, audio: 0, said: '' };
    for (const name of readdirSync(info.folder).filter((file) => !file.endsWith('.jsonl'))) {
      const read = await run('ffmpeg', ['-v', 'warning', '-i', `${info.folder}/${name}`, '-f', 'null', '-']).done; // decodes all of it
      const { out } = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', `${info.folder}/${name}`]).done;
      for (const kind of ['video', 'audio']) seen[kind] += counts(out)[kind];
      seen.said += read.err;
    }
    if (seen.said) return { video: 0, audio: 0, said: seen.said };
    const composed = await run(RECORDER, ['compose', info.folder, `${folder}/all.mp4`]).done;
    const { out } = await run('ffprobe', ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', `${folder}/all.mp4`]).done;
    const whole = counts(out);
    return whole.video > 100 && whole.audio > 100 ? seen : { video: 0, audio: 0, said: `compose: ${composed.err}` };
  },
  async gstreamer(media, consume) {
    const consumers = await consume(true);
    const caps = (i, kind, name) => `application/x-rtp,media=${kind},encoding-name=${name},clock-rate=${kind === 'video' ? 90000 : 48000},payload=${consumers[i].rtpParameters.codecs[0].payloadType}`;
    const buffers = { video: SECONDS * 10, audio: SECONDS * 30 };
    const viewer = run('gst-launch-1.0', [
      ...['-v', 'udpsrc', `port=${media[0].port}`, `caps=${caps(0, 'video', 'VP8')}`, '!', 'rtpjitterbuffer', '!', 'rtpvp8depay', '!', 'vp8dec', '!', 'fakesink', 'name=video', 'sync=false', 'silent=false', `num-buffers=${buffers.video}`],
      ...['udpsrc', `port=${media[1].port}`, `caps=${caps(1, 'audio', 'OPUS')}`, '!', 'rtpjitterbuffer', '!', 'rtpopusdepay', '!', 'opusdec', '!', 'fakesink', 'name=audio', 'sync=false', 'silent=false', `num-buffers=${buffers.audio}`],
    ], 40);
    const { out, err } = await viewer.done;
    const count = (name) => out.split('\n').filter((line) => line.includes(`GstFakeSink:${name}`) && line.includes('chain')).length;
    return { video: count('video'), audio: count('audio'), said: err };
  },
};

// ---- pairs

const pairs = [
  ['ffmpeg to ffmpeg', 'ffmpeg', 'ffmpeg', {}],
  ['ffmpeg to ffmpeg over SRTP', 'ffmpeg', 'ffmpeg', { srtp: true }],
  ['gstreamer to ffmpeg', 'gstreamer', 'ffmpeg', {}],
  ['ffmpeg to gstreamer', 'ffmpeg', 'gstreamer', {}],
  ['ffmpeg to HLS', 'ffmpeg', 'hls', {}],
  ['ffmpeg to RTMP', 'ffmpeg', 'rtmp', {}],
  ['ffmpeg recorded', 'ffmpeg', 'recording', {}],
  ['ffmpeg as H264 recorded', 'ffmpegH264', 'recording', { video: 'H264' }],
];

async function tryPair(name, from, to, how) {
  const room = name.replaceAll(' ', '-');
  const at = await ingress(room, how);
  const publisher = publishers[from](at);
  await until('what is published arrives', async () => (await api(server, 'GET', `rooms/${room}/plain-transports`)).json.transports.every(({ connected }) => connected), { deadlineMs: 20_000 });
  const media = await egress(room, at, how);
  const seen = await viewers[to](media, () => Promise.all(media.map(({ consume }) => consume(false))), room);
  publisher.child.kill('SIGKILL');
  const { err } = await publisher.done;
  const good = seen.video > (SECONDS - 4) * 10 && seen.audio >= (SECONDS - 4) * 20;
  console.log(`${good ? 'ok' : 'FAILED'} ${name}: ${seen.video} pictures and ${seen.audio} packets of sound were decoded`);
  if (!good) console.log(`publisher: ${err.slice(-800)}\nviewer: ${seen.said.slice(-1500)}`);
  for (const { id } of (await api(server, 'GET', `rooms/${room}/plain-transports`)).json.transports) await api(server, 'DELETE', `rooms/${room}/plain-transports/${id}`);
  return good;
}

const there = { ffmpeg: await has('ffmpeg', ['-version']), gstreamer: await has('gst-launch-1.0', ['--version']) };
there.hls = there.rtmp = there.recording = there.ffmpegH264 = there.ffmpeg;
for (const [program, found] of Object.entries(there)) if (!found) console.log(`left out: there is no ${program}`);
const wanted = process.argv.slice(2);
let good = true;
for (const [name, from, to, how] of pairs) {
  if (!there[from] || !there[to] || (wanted.length > 0 && !wanted.some((word) => name.includes(word)))) continue;
  good = (await tryPair(name, from, to, how)) && good;
}
await server.stop();
rmSync(folder, { recursive: true });
process.exit(good ? 0 : 1);
