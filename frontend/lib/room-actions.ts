// What a person can do in a call; components call these and read the store.
import { captureScreen, captureTrack, problemOf, stopTracks, watchTrack, type DeviceLoss } from './devices';
import { usePreferences } from './preferences';
import { codeOf, Doorway, mayTakeOver, needsPassword, Room, type LocalTrack, type Source } from '@rotunda/client';
import { invitation } from './invitation';
import { icePolicy, serverUrl } from './server-url';
import { stateOf } from '@rotunda/react';
import { follow, INITIAL, tileOf, useCall, withMedia, type Media, type Panel } from './store';

let unfollow: (() => void) | null = null;

const currentRoom = (): Room | null => useCall.getState().room;

let doorway: Doorway | null = null;

// Somebody may be about to join: whatever takes time is done before the click.
export function prepareToJoin(): void {
  doorway ??= new Doorway(serverUrl());
  doorway.prepare();
}

// Nobody is about to join any more.
export function forgetToJoin(): void {
  doorway?.close();
}

const me = () => useCall.getState().participants.find((one) => one.isLocal);
const mine = (source: Source) => me()?.media[source];
function setMine(source: Source, change: Partial<Media> | null): void {
  const userId = me()?.userId;
  if (userId !== undefined)
    useCall.setState(({ participants }) => ({ participants: withMedia(participants, userId, source, change) }));
}

const ownStorage = (kind: 'sessionStorage' | 'localStorage'): Storage | undefined => {
  try {
    return window[kind];
  } catch {
    return undefined; // cookies are blocked
  }
};

// ---- devices that go away ----

type Device = 'microphone' | 'camera';
const unwatch: Partial<Record<Device, () => void>> = {};

// A phone call or another program may take a device away, and a person may unplug it.
function watchDevice(source: Device, track: MediaStreamTrack): void {
  unwatch[source]?.();
  unwatch[source] = watchTrack(track, (loss) => {
    if (mine(source)?.track !== track) return;
    setLoss(source, loss);
    if (loss === 'ended') void letGo(source, track).catch((error) => console.warn(error));
  });
}

function setLoss(source: Device, loss: DeviceLoss | null): void {
  useCall.setState(({ losses: { [source]: _, ...others } }) => ({
    losses: loss === null ? others : { ...others, [source]: loss },
  }));
}

// What has ended is switched off for the others, too: they would hear and see nothing, and not know why.
async function letGo(source: Device, track: MediaStreamTrack): Promise<void> {
  setMine(source, source === 'camera' ? { track: null, paused: true } : { track: null });
  track.stop();
  await currentRoom()?.pause(source, true, { release: true });
}

// How much of a large room comes: what was chosen in the settings, and whoever is pinned.
export function followChoice(of: Pick<Room, 'choose'>): () => void {
  const tell = () => {
    const { lastN, loudestN } = usePreferences.getState();
    const { pinned } = useCall.getState();
    of.choose({ lastN, loudestN, pinned: pinned === null ? [] : [tileOf(pinned).userId] });
  };
  tell();
  const offs = [
    usePreferences.subscribe(
      (now, before) => (now.lastN !== before.lastN || now.loudestN !== before.loudestN) && tell(),
    ),
    useCall.subscribe((now, before) => now.pinned !== before.pinned && tell()),
  ];
  return () => offs.forEach((off) => off());
}

// ---- coming and going ----

// Of this page's rooms, for as long as it is open: nothing writes them down.
const passwords = new Map<string, string>();

export interface JoinOptions {
  password?: string; // of the room, or of the moderator of this name
  takeOver?: boolean; // the place that this name has here was this browser's own
}

export async function join(
  roomId: string,
  name: string,
  stream: MediaStream,
  { takeOver = false, password }: JoinOptions = {},
): Promise<void> {
  if (password) passwords.set(roomId, password);
  const query = new URLSearchParams(location.search);
  const simulcast = query.get('simulcast');
  const placeStore = ownStorage('localStorage');
  performance.mark('join');
  unfollow?.();
  const entering = new Room(serverUrl(), roomId, name, {
    codec: query.get('codec') ?? undefined,
    simulcast: simulcast === null ? undefined : simulcast === '1',
    scalabilityMode: query.get('svc') ?? undefined,
    iceTransportPolicy: icePolicy(),
    token: invitation()?.token,
    password: passwords.get(roomId),
    tokenStore: ownStorage('sessionStorage'),
    placeStore,
    takeOver,
    doorway: doorway ?? undefined,
  });
  stateOf(entering);
  const offs = [follow(entering, useCall), followChoice(entering)];
  unfollow = () => offs.forEach((off) => off());
  const local: Partial<Record<Source, LocalTrack>> = {};
  const media: Partial<Record<Source, Media>> = {};
  for (const track of stream.getTracks()) {
    const source: Source = track.kind === 'audio' ? 'microphone' : 'camera';
    const wanted = usePreferences.getState()[source === 'camera' ? 'cameraOn' : 'microphoneOn'];
    if (!wanted) {
      if (source === 'camera') {
        track.stop();
        continue;
      }
      track.enabled = false;
    }
    if (source === 'microphone' || source === 'camera') watchDevice(source, track);
    local[source] = { track, paused: !wanted };
    media[source] = { track, paused: !wanted, producerId: null, score: null, layer: null, unsent: false };
  }
  useCall.setState({
    ...INITIAL,
    room: entering,
    phase: 'joining',
    roomId,
    participants: [{ userId: 'me', name, isLocal: true, away: false, media }],
  });
  let entered = false;
  const off = entering.on('entered', () => {
    entered = true;
    Object.assign(window, { rotunda: { room: entering, whole: false } });
    if (currentRoom() === entering) useCall.setState({ phase: 'room' }); // what is sent follows
  });
  try {
    await entering.join(local);
    Object.assign(window, { rotunda: { room: entering, whole: true } }); // all that is sent has its producer
    useCall.setState(({ phase }) => (phase === 'joining' ? { phase: 'room' } : {}));
  } catch (error) {
    stopTracks(stream);
    if (currentRoom() === entering) useCall.setState({ room: null });
    if (needsPassword(error)) passwords.delete(roomId);
    // In the room already, and cannot send: that is no way to be in it either.
    if (useCall.getState().phase !== 'joining' && !(entered && useCall.getState().phase !== 'lobby')) return;
    const taken = codeOf(error) === 'username-taken';
    useCall.setState({
      phase: 'lobby',
      error: codeOf(error) === 'left' ? null : (error as Error),
      mayTakeOver: taken && !takeOver && mayTakeOver(placeStore, roomId, name),
    });
  } finally {
    off();
  }
}

export function leave(options?: { keepToken?: boolean }): void {
  currentRoom()?.leave(options);
  for (const media of Object.values(me()?.media ?? {})) media?.track?.stop();
  for (const source of ['microphone', 'camera'] as const) unwatch[source]?.();
  useCall.setState({ room: null });
}

// Gives up a join that has found no server yet.
export function cancelJoin(): void {
  currentRoom()?.leave();
}

export function backToLobby(): void {
  leave();
  unfollow?.();
  unfollow = null;
  useCall.setState(INITIAL);
}

// ---- microphone and camera ----

// Takes a device anew; true when it is not the one that was chosen.
async function take(source: Device): Promise<{ track: MediaStreamTrack; missed: boolean }> {
  const { microphoneId, cameraId } = usePreferences.getState();
  const taken =
    source === 'microphone' ? await captureTrack('audio', microphoneId) : await captureTrack('video', cameraId);
  setLoss(source, null);
  watchDevice(source, taken.track);
  if (taken.missed) useCall.setState(({ missed }) => ({ missed: { source, count: (missed?.count ?? 0) + 1 } }));
  return taken;
}

export async function setMicrophone(on: boolean): Promise<void> {
  const room = currentRoom();
  if (room === null) return;
  const media = mine('microphone');
  if (media?.track && media.track.readyState === 'live') {
    setMine('microphone', { paused: !on });
    await room.pause('microphone', !on);
  } else if (on) {
    await restoreMicrophone({ paused: false });
  }
}

// Takes the microphone anew. Who was muted stays so.
export async function restoreMicrophone({ paused = mine('microphone')?.paused ?? false } = {}): Promise<void> {
  const { track } = await take('microphone');
  track.enabled = !paused;
  mine('microphone')?.track?.stop();
  setMine('microphone', { track, paused });
  await currentRoom()?.send('microphone', track, { paused });
}

export async function setCamera(on: boolean): Promise<void> {
  const room = currentRoom();
  if (room === null) return;
  if (!on) {
    const track = mine('camera')?.track;
    setMine('camera', { track: null, paused: true });
    setLoss('camera', null);
    await room.pause('camera', true, { release: true });
    track?.stop();
    return;
  }
  const { track } = await take('camera');
  const old = mine('camera')?.track;
  setMine('camera', { track, paused: false });
  await room.send('camera', track);
  old?.stop();
}

// Another device was chosen in mid-call, or the same one is to be treated otherwise.
export async function changeDevice(source: Device): Promise<void> {
  const lost = useCall.getState().losses[source] !== undefined;
  if (currentRoom() === null || (!mine(source)?.track && !lost)) return;
  if (source === 'camera') {
    try {
      return await setCamera(true);
    } catch (error) {
      // Who wanted a blurred background is not shown without.
      if (problemOf(error) === 'blur') await setCamera(false);
      throw error;
    }
  }
  // Let go of first: a browser treats a microphone that is in use already as it does so far, and a phone has but one.
  const before = mine('microphone')?.track;
  before?.stop();
  try {
    await restoreMicrophone();
  } catch (error) {
    setLoss('microphone', 'ended');
    if (before) await letGo('microphone', before);
    throw error;
  }
}

export const toggleMicrophone = () => setMicrophone(!isOn('microphone'));
export const toggleCamera = () => setCamera(!isOn('camera'));
export function isOn(source: Source): boolean {
  const media = mine(source);
  return media?.track != null && !media.paused;
}

// ---- screen ----

export async function toggleScreen(): Promise<void> {
  const room = currentRoom();
  if (room === null) return;
  if (mine('screen')) {
    await stopScreen();
    return;
  }
  const stream = await captureScreen();
  if (stream === null) return;
  for (const track of stream.getTracks()) {
    const source: Source = track.kind === 'video' ? 'screen' : 'screen-audio';
    if (track.kind === 'video') track.contentHint = 'detail';
    track.onended = () => void stopScreen();
    setMine(source, { track, paused: false });
    await room.send(source, track);
  }
}

async function stopScreen(): Promise<void> {
  for (const source of ['screen', 'screen-audio'] as const) {
    const media = mine(source);
    if (!media) continue;
    setMine(source, null);
    media.track?.stop();
    await currentRoom()?.stop(source);
  }
}

// ---- the rest ----

export async function sendChat(text: string): Promise<void> {
  await currentRoom()?.sendChat(text);
}

export function setPanel(panel: Panel): void {
  useCall.setState(({ unread }) => ({ panel, unread: panel === 'chat' ? 0 : unread }));
}

export function setView(view: 'grid' | 'speaker'): void {
  useCall.setState({ view, viewBefore: null, pinned: null, page: 0 });
}

export function togglePin(tileId: string): void {
  useCall.setState(({ pinned }) =>
    pinned === tileId
      ? { pinned: null, view: 'grid', viewBefore: null }
      : { pinned: tileId, view: 'speaker', viewBefore: null },
  );
}
