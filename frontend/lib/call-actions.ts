// What a person can do in a one-to-one call. Holds the one call of this page.
import { NO_CALL, usePair } from './call-store';
import { capture, captureTrack, stopTracks, watchTrack } from './devices';
import { usePreferences } from './preferences';
import { Call, callRoomId, callSecret, codeOf, mayTakeOver } from '@rotunda/client';
import { icePolicy, serverUrl } from './server-url';

type Device = 'microphone' | 'camera';

let call: Call | null = null;
const unwatch: Partial<Record<Device, () => void>> = {};

export const currentCall = (): Call | null => call;

function placeStore(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined; // cookies are blocked
  }
}

export function close(): void {
  const { microphone, camera } = usePair.getState();
  const ending = call;
  call = null;
  ending?.leave();
  for (const source of ['microphone', 'camera'] as const) unwatch[source]?.();
  for (const track of [microphone, camera]) track?.stop();
  usePair.setState(NO_CALL);
}

function follow(entering: Call): void {
  const set = usePair.setState;
  entering.on('state', set);
  entering.on('connection', set);
  entering.on('marks', (marks) => set({ marks }));
  entering.on('stream', (stream) => set({ remote: stream?.getTracks() ?? [] }));
  entering.session.on('state', (session) => {
    set({ session });
    if (session.name !== 'ended' || call !== entering || usePair.getState().phase !== 'call') return;
    close();
    set({ error: session.error });
  });
}

export interface EnterOptions {
  ring: boolean; // else wait for the other's call
  takeOver?: boolean; // the place that this name has here was this browser's own
}

// For the other: opened, it names both, and has the secret where no server is told of it.
export function invitation(name: string, partner: string, secret: string): string {
  const link = new URL('/call', location.href);
  link.search = String(new URLSearchParams({ name: partner, partner: name }));
  link.hash = String(new URLSearchParams({ key: secret }));
  return link.href;
}

// The address of this page, so that a reload finds the same two and their secret; without one, none of them.
function putAddress(link: { name: string; partner: string; secret: string } | null): void {
  const address = new URL(location.href);
  for (const parameter of ['name', 'partner', 'auto']) address.searchParams.delete(parameter);
  address.hash = '';
  if (link) {
    address.searchParams.set('name', link.name);
    address.searchParams.set('partner', link.partner);
    address.hash = String(new URLSearchParams({ key: link.secret }));
  }
  history.replaceState(history.state, '', address);
}

// Somebody else than the link is for.
export function forgetLink(): void {
  usePair.setState({ partner: '', secret: '', linked: false, error: null, mayTakeOver: false });
  putAddress(null);
}

// Under the secret of the form; where there is none, one is made, and the link that has it is shown.
export async function enter(name: string, partner: string, { ring, takeOver = false }: EnterOptions): Promise<void> {
  const set = usePair.setState;
  const typed = usePair.getState().secret.trim();
  const secret = typed === '' ? callSecret() : typed;
  const linked = typed === '' || usePair.getState().linked;
  if (linked) putAddress({ name, partner, secret });
  set({ ...NO_CALL, name, partner, secret, linked, phase: 'entering', error: null });
  const { microphoneId, cameraId } = usePreferences.getState();
  const { stream, problem } = await capture({ audio: true, video: true, microphoneId, cameraId });
  const options = { iceTransportPolicy: icePolicy(), placeStore: placeStore(), takeOver, secret };
  const entering = new Call(serverUrl(), name, partner, stream, options);
  call = entering;
  follow(entering);
  try {
    if (ring) entering.call();
    await entering.join();
    if (call !== entering) return stopTracks(stream);
    const [microphone = null] = stream.getAudioTracks();
    const [camera = null] = stream.getVideoTracks();
    if (microphone) watchDevice('microphone', microphone);
    if (camera) watchDevice('camera', camera);
    set({ phase: 'call', problem, microphone, camera });
    entering.setMarks({ microphone: microphone !== null, camera: camera !== null });
    Object.assign(window, { rotunda: { call: entering } });
  } catch (error) {
    stopTracks(stream);
    close();
    const left = codeOf(error) === 'left';
    const taken = codeOf(error) === 'username-taken' && !takeOver;
    set({
      error: left ? null : error,
      mayTakeOver: taken && mayTakeOver(placeStore(), callRoomId(name, partner, secret), name),
    });
  }
}

// ---- microphone and camera ----

function tellMarks(): void {
  const { microphone, camera, muted } = usePair.getState();
  call?.setMarks({ microphone: microphone !== null && !muted, camera: camera !== null });
}

function watchDevice(source: Device, track: MediaStreamTrack): void {
  unwatch[source]?.();
  unwatch[source] = watchTrack(track, (loss) => {
    const { [source]: now, losses } = usePair.getState();
    if (now !== track) return;
    const { [source]: _, ...others } = losses;
    usePair.setState({ losses: loss === null ? others : { ...others, [source]: loss } });
    if (loss === 'ended') void put(source, null).catch((error) => console.warn(error));
  });
}

// Sends this track in place of the one before; null: none, and the device's light goes out.
async function put(source: Device, track: MediaStreamTrack | null): Promise<void> {
  const before = usePair.getState()[source];
  usePair.setState(source === 'camera' ? { camera: track } : { microphone: track });
  tellMarks();
  if (before !== track) before?.stop();
  await call?.setTrack(source === 'camera' ? 'video' : 'audio', track);
}

// Takes a device anew: after another was chosen, or after it was gone.
export async function take(source: Device): Promise<void> {
  const { microphoneId, cameraId } = usePreferences.getState();
  const { track } =
    source === 'camera' ? await captureTrack('video', cameraId) : await captureTrack('audio', microphoneId);
  if (call === null) return track.stop();
  if (source === 'microphone') track.enabled = !usePair.getState().muted;
  watchDevice(source, track);
  const { [source]: _, ...losses } = usePair.getState().losses;
  usePair.setState({ losses });
  await put(source, track);
}

export async function changeDevice(source: Device): Promise<void> {
  const { [source]: track, losses } = usePair.getState();
  if (track !== null || losses[source] !== undefined) await take(source);
}

export async function setMuted(muted: boolean): Promise<void> {
  const { microphone } = usePair.getState();
  usePair.setState({ muted });
  if (microphone) microphone.enabled = !muted;
  else if (!muted) await take('microphone');
  tellMarks();
}

// Switched off the camera runs no more: its light is out.
export async function setCamera(on: boolean): Promise<void> {
  if (on) return take('camera');
  const { camera: _, ...losses } = usePair.getState().losses;
  usePair.setState({ losses });
  unwatch.camera?.();
  await put('camera', null);
}
