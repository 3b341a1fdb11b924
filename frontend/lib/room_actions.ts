// What a person can do in a call. Holds the one room of this page; components call these and read the store.
import { captureTrack, stopTracks } from './devices';
import { usePreferences } from './preferences';
import { Room, type LocalTrack, type Source } from './rotunda';
import { icePolicy, serverUrl } from './server_url';
import { follow, INITIAL, useCall, withMedia, type Media, type Panel } from './store';

let room: Room | null = null;
let unfollow: (() => void) | null = null;

export const currentRoom = (): Room | null => room;

const me = () => useCall.getState().participants.find((one) => one.isLocal);
const mine = (source: Source) => me()?.media[source];
function setMine(source: Source, change: Partial<Media> | null): void {
  const userId = me()?.userId;
  if (userId !== undefined)
    useCall.setState(({ participants }) => ({ participants: withMedia(participants, userId, source, change) }));
}

function sessionStore(): Storage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined; // cookies are blocked
  }
}

// A phone call, or another program, may take the microphone away.
function watchMicrophone(track: MediaStreamTrack): void {
  const taken = (micLost: boolean) => mine('microphone')?.track === track && useCall.setState({ micLost });
  track.onended = () => taken(true);
  track.onmute = () => taken(true);
  track.onunmute = () => taken(false);
}

export async function join(roomId: string, name: string, stream: MediaStream): Promise<void> {
  const query = new URLSearchParams(location.search);
  const simulcast = query.get('simulcast');
  performance.mark('join');
  unfollow?.();
  const entering = new Room(serverUrl(), roomId, name, {
    codec: query.get('codec') ?? undefined,
    simulcast: simulcast === null ? undefined : simulcast === '1',
    iceTransportPolicy: icePolicy(),
    tokenStore: sessionStore(),
  });
  room = entering;
  unfollow = follow(entering, useCall);
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
    if (source === 'microphone') watchMicrophone(track);
    local[source] = { track, paused: !wanted };
    media[source] = { track, paused: !wanted, producerId: null, score: null, layer: null, unsent: false };
  }
  useCall.setState({
    ...INITIAL,
    phase: 'joining',
    roomId,
    participants: [{ userId: 'me', name, isLocal: true, media }],
  });
  try {
    await entering.join(local);
    Object.assign(window, { rotunda: { room: entering } });
    useCall.setState({ phase: 'room' });
  } catch (error) {
    stopTracks(stream);
    if (room === entering) room = null;
    if (useCall.getState().phase === 'joining') useCall.setState({ phase: 'lobby', error: error as Error });
  }
}

export function leave(options?: { keepToken?: boolean }): void {
  room?.leave(options);
  for (const media of Object.values(me()?.media ?? {})) media?.track?.stop();
  room = null;
}

export function backToLobby(): void {
  leave();
  unfollow?.();
  unfollow = null;
  useCall.setState(INITIAL);
}

// ---- microphone and camera ----

export async function setMicrophone(on: boolean): Promise<void> {
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
  const track = await captureTrack('audio', usePreferences.getState().microphoneId);
  track.enabled = !paused;
  mine('microphone')?.track?.stop();
  setMine('microphone', { track, paused });
  useCall.setState({ micLost: false });
  watchMicrophone(track);
  await room?.send('microphone', track, { paused });
}

export async function setCamera(on: boolean): Promise<void> {
  if (room === null) return;
  if (!on) {
    const track = mine('camera')?.track;
    setMine('camera', { track: null, paused: true });
    await room.pause('camera', true, { release: true });
    track?.stop();
    return;
  }
  const track = await captureTrack('video', usePreferences.getState().cameraId);
  setMine('camera', { track, paused: false });
  await room.send('camera', track);
}

// Another device was chosen in mid-call.
export async function changeDevice(source: 'microphone' | 'camera'): Promise<void> {
  const media = mine(source);
  if (room === null || !media?.track) return;
  if (source === 'microphone') {
    await restoreMicrophone();
  } else {
    const old = media.track;
    await setCamera(true);
    old.stop();
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
  if (room === null) return;
  if (mine('screen')) {
    await stopScreen();
    return;
  }
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: true });
  } catch (error) {
    if ((error as Error).name === 'NotAllowedError') return; // the person thought better of it
    throw error;
  }
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
    await room?.stop(source);
  }
}

// ---- the rest ----

export async function sendChat(text: string): Promise<void> {
  await room?.sendChat(text);
}

export function setPanel(panel: Panel): void {
  useCall.setState(({ unread }) => ({ panel, unread: panel === 'chat' ? 0 : unread }));
}

export function setView(view: 'grid' | 'speaker'): void {
  useCall.setState({ view, viewBefore: null, pinned: null, page: 0 });
}

export function togglePin(tileId: string): void {
  useCall.setState(({ pinned }) =>
    pinned === tileId ? { pinned: null, view: 'grid', viewBefore: null } : { pinned: tileId, view: 'speaker', viewBefore: null },
  );
}
