// The page: a form to join, a tile for each participant, and buttons.
// URL options: room, name, auto=1 (join at once), codec=vp8|vp9|h264|av1, simulcast=1, width, height, fps.

import { Room } from './room.js';
import { Tiles } from './tiles.js';

const IN_WORDS = {
  'username-taken': 'Someone with this name is in the room already. Choose another name.',
  'room-full': 'This room is full.',
  'limit-reached': 'The server has reached its limit. Try again later.',
  unauthorized: 'You need an invitation to enter this room.',
  forbidden: 'You may not do that here.',
  draining: 'The server is about to stop. Try again in a minute.',
  'rate-limited': 'That was too fast. Wait a moment.',
  unreachable: 'The server cannot be reached. Check your connection.',
  NotAllowedError: 'The browser was not allowed to use the camera and microphone.',
  NotFoundError: 'No camera or microphone was found.',
  NotReadableError: 'Another program is using the camera or microphone.',
};

const query = new URLSearchParams(location.search);
const element = (id) => document.getElementById(id);
const tiles = new Tiles(element('tiles'));
let room = null;
let stream = null;

function say(text) {
  element('notice').textContent = text;
  element('notice').hidden = text === '';
}

function sayError(error) {
  say(IN_WORDS[error.code] ?? IN_WORDS[error.name] ?? error.message);
}

// The camera and microphone, or what there is of them.
async function openDevices() {
  const video = {
    width: { ideal: Number(query.get('width') ?? 640) },
    height: { ideal: Number(query.get('height') ?? 360) },
    frameRate: { ideal: Number(query.get('fps') ?? 30) },
  };
  if (navigator.mediaDevices === undefined) {
    say('Without HTTPS the browser gives no camera and no microphone. You can see and hear the others.');
    return new MediaStream();
  }
  let problem;
  for (const constraints of [{ audio: true, video }, { audio: true }, { video }]) {
    try {
      return await navigator.mediaDevices.getUserMedia(constraints);
    } catch (error) {
      problem = error;
      if (error.name === 'NotAllowedError') break;
    }
  }
  sayError(problem);
  return new MediaStream();
}

function listen() {
  const on = (type, handler) => room.addEventListener(type, ({ detail }) => handler(detail));
  on('peer-joined', ({ userId, username }) => tiles.add(userId, username));
  on('peer-left', ({ userId }) => tiles.remove(userId));
  on('track', ({ userId, track }) => tiles.attach(userId, track));
  on('track-ended', ({ userId, track }) => tiles.detach(userId, track));
  on('paused', ({ userId, kind, paused }) => tiles.setPaused(userId, kind, paused));
  on('speaker', ({ userId }) => tiles.setSpeaker(userId === room.userId ? 'me' : userId));
  on('connection', ({ state }) => say(state === 'lost' ? 'The connection was lost. Trying again…' : ''));
  on('failed', ({ error }) => {
    leave();
    sayError(error);
  });
}

async function join() {
  const name = element('name').value.trim();
  const roomId = element('room').value.trim();
  say('');
  element('join').disabled = true;
  performance.mark('join');
  try {
    stream = await openDevices();
    const { codec, simulcast } = Object.fromEntries(query);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    room = new Room(`${scheme}://${location.host}/ws`, { codec, simulcast: simulcast === '1' });
    listen();
    tiles.add('me', `${name} (you)`, true);
    for (const track of stream.getTracks()) tiles.attach('me', track);
    await room.join(roomId, name, stream.getTracks());
    window.rotunda = { room };
    showCall(roomId);
  } catch (error) {
    leave();
    sayError(error);
  }
  element('join').disabled = false;
}

function showCall(roomId) {
  document.title = `${roomId} · Rotunda`;
  document.body.classList.add('in-call');
  for (const [id, kind] of Object.entries({ microphone: 'audio', camera: 'video' })) {
    element(id).disabled = !room.producers.has(kind);
    element(id).setAttribute('aria-pressed', String(room.producers.has(kind)));
  }
}

async function toggle(button, kind) {
  const on = button.getAttribute('aria-pressed') !== 'true';
  try {
    button.setAttribute('aria-pressed', String(on));
    tiles.setPaused('me', kind, !on);
    await room.pause(kind, !on);
  } catch (error) {
    sayError(error);
  }
}

function leave() {
  room?.leave();
  for (const track of stream?.getTracks() ?? []) track.stop();
  room = null;
  stream = null;
  tiles.clear();
  document.title = 'Rotunda';
  document.body.classList.remove('in-call');
}

element('name').value = query.get('name') ?? '';
element('room').value = query.get('room') ?? '';
element('form').addEventListener('submit', (event) => {
  event.preventDefault();
  join();
});
element('microphone').addEventListener('click', ({ currentTarget }) => toggle(currentTarget, 'audio'));
element('camera').addEventListener('click', ({ currentTarget }) => toggle(currentTarget, 'video'));
element('leave').addEventListener('click', leave);
window.addEventListener('pagehide', leave);
if (query.get('auto') === '1') join();
