// OBS itself publishes by its WHIP output, headless; what comes of it is recorded, and decoded by FFmpeg.
//
//   ROTUNDA_BIN=build-asan/rotunda OBS='xvfb-run -a obs' node tests/interop/whip/obs.mjs
//
// OBS: a command that runs an OBS which has its plugin obs-webrtc (Debian builds none; docs/interop.md says how it was
// made). OBS_HOME: a folder for its settings, which that command takes for its home; where it runs in another root,
// OBS_HOME_THERE is its name there. OBS_TCP: over TCP alone, where the caller lets no UDP through. 77: there is no OBS.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Server, until } from '../../e2e/harness.mjs';
import { KEY, tokenOf } from '../../e2e/plain_kit.mjs';
import { recordsWhatComes } from './recorded.mjs';

const OBS = (process.env.OBS ?? 'xvfb-run -a obs').split(' ');
const home = process.env.OBS_HOME ?? mkdtempSync(`${tmpdir()}/rotunda-obs-`);
const there = process.env.OBS_HOME_THERE ?? home;

function run(command, args, env = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, detached: true });
  const told = { out: '', err: '' };
  child.stdout.on('data', (data) => (told.out += data));
  child.stderr.on('data', (data) => (told.err += data));
  told.done = new Promise((resolve) => {
    child.on('error', (error) => resolve(Object.assign(told, { status: -1, err: String(error) })));
    child.on('close', (status) => resolve(Object.assign(told, { status })));
  });
  told.end = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // it has ended
    }
  };
  return told;
}

// A profile whose service is WHIP, and a scene of one colour.
function settle(url, token) {
  const config = `${home}/.config/obs-studio`;
  const profile = `${config}/basic/profiles/Rotunda`;
  mkdirSync(profile, { recursive: true });
  mkdirSync(`${config}/basic/scenes`, { recursive: true });
  const general = '[General]\nFirstRun=true\nEnableAutoUpdates=false\nInfoIncrement=99\nLastVersion=503316483\nPre19Defaults=false\n';
  writeFileSync(`${config}/global.ini`, `${general}[Basic]\nProfile=Rotunda\nProfileDir=Rotunda\nSceneCollection=Rotunda\nSceneCollectionFile=Rotunda\nConfigOnNewProfile=false\n[BasicWindow]\nWarnBeforeStartingStream=false\n`);
  writeFileSync(`${config}/user.ini`, general);
  writeFileSync(
    `${profile}/basic.ini`,
    '[General]\nName=Rotunda\n[Video]\nBaseCX=640\nBaseCY=360\nOutputCX=640\nOutputCY=360\nFPSType=0\nFPSCommon=30\n[Audio]\nSampleRate=48000\nChannelSetup=Stereo\n[Output]\nMode=Simple\nReconnect=false\n[SimpleOutput]\nVBitrate=1000\nABitrate=96\nStreamEncoder=x264\nPreset=ultrafast\nUseAdvanced=false\n',
  );
  writeFileSync(`${profile}/service.json`, JSON.stringify({ type: 'whip_custom', settings: { service: 'WHIP', server: url, bearer_token: token } }));
  const colour = { id: 'color_source', versioned_id: 'color_source_v3', name: 'Colour', settings: { color: 4283215696, width: 640, height: 360 } };
  const item = { name: 'Colour', id: 1, visible: true, pos: { x: 0, y: 0 }, scale: { x: 1, y: 1 }, bounds: { x: 0, y: 0 }, bounds_type: 0 };
  const scene = { id: 'scene', name: 'Scene', settings: { id_counter: 1, custom_size: false, items: [item] } };
  writeFileSync(`${config}/basic/scenes/Rotunda.json`, JSON.stringify({ name: 'Rotunda', current_scene: 'Scene', current_program_scene: 'Scene', scene_order: [{ name: 'Scene' }], sources: [colour, scene] }));
}

const version = await run(OBS[0], [...OBS.slice(1), '--version'], { HOME: there }).done;
if (version.status !== 0) {
  console.log(`left out: ${OBS.join(' ')} finds nothing: ${version.err.slice(-300)}`);
  process.exit(77);
}
console.log(version.out.trim());
const folder = mkdtempSync(`${tmpdir()}/rotunda-obs-keys-`);
writeFileSync(`${folder}/keys`, `${KEY[0]}: ${KEY[1]}\n`);
const server = await Server.start({ args: ['--keys', `${folder}/keys`, '--record-dir', folder, ...(process.env.OBS_TCP ? ['--ice-tcp', 'on'] : [])] });
settle(`${server.origin}/whip/obs`, tokenOf({ sub: 'obs', name: 'obs', video: { room: 'obs', roomJoin: true } }));
const flags = ['--multi', '--profile', 'Rotunda', '--collection', 'Rotunda', '--scene', 'Scene', '--startstreaming', '--disable-updater', '--disable-missing-files-check', '--disable-shutdown-check', '--verbose'];
const obs = run(OBS[0], [...OBS.slice(1), ...flags], { HOME: there, QT_QPA_PLATFORM: 'xcb', LIBGL_ALWAYS_SOFTWARE: '1' });
let good = false;
try {
  const { words, streams } = await recordsWhatComes(server, 'obs', 6);
  console.log(`OBS: ${words}`);
  if (process.env.OBS_TCP) console.log(`connections of media over TCP: ${await server.metric('rotunda_tcp_connections')}`);
  obs.end('SIGKILL'); // asked to end it asks a person whether to, so this is one that dies
  await until('its session has ended', async () => (await server.metric('rotunda_whip_sessions')) === 0, { deadlineMs: 60_000 });
  good = streams.length === 2;
} catch (error) {
  console.log(`FAILED OBS: ${error.message}\n${(obs.out + obs.err).slice(-6000)}`);
}
obs.end('SIGKILL');
await obs.done;
await server.stop();
rmSync(folder, { recursive: true });
console.log(`${good ? 'ok' : 'FAILED'} OBS`);
process.exit(good ? 0 : 1);
