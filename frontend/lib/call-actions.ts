// What a person can do in a one-to-one call; components call these (usePairActions) and read the store.
import { NO_CALL, type PairState, type PairStore } from './call-store';
import { capture, captureTrack, stopTracks, watchTrack, type Capture } from './devices';
import { usePreferences } from './preferences';
import { Call, callRoomId, callSecret, codeOf, mayTakeOver } from '@rotunda/client';
import { snapshotsOf } from '@rotunda/react';
import { icePolicy, serverUrl } from './server-url';

type Device = 'microphone' | 'camera';

export interface EnterOptions {
  ring: boolean; // else wait for the other's call
  takeOver?: boolean; // the place that this name has here was this browser's own
}

function placeStore(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined; // cookies are blocked
  }
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

const deviceOf = (kind: string): Device => (kind === 'audio' ? 'microphone' : 'camera');

export class PairActions {
  readonly #store: PairStore;
  #unwatch: Partial<Record<Device, () => void>> = {};

  constructor(store: PairStore) {
    this.#store = store;
  }

  get #now(): PairState {
    return this.#store.getState();
  }

  // ---- coming and going ----

  // Under the secret of the form; where there is none, one is made, and the link that has it is shown.
  enter = async (name: string, partner: string, { ring, takeOver = false }: EnterOptions): Promise<void> => {
    const typed = this.#now.secret.trim();
    const secret = typed === '' ? callSecret() : typed;
    const linked = typed === '' || this.#now.linked;
    if (linked) putAddress({ name, partner, secret });
    this.#store.setState({ ...NO_CALL, name, partner, secret, linked, phase: 'entering', error: null });
    const { microphoneId, cameraId } = usePreferences.getState();
    const captured = await capture({ audio: true, video: true, microphoneId, cameraId });
    const options = { iceTransportPolicy: icePolicy(), placeStore: placeStore(), takeOver, secret };
    const call = new Call(serverUrl(), name, partner, captured.stream, options);
    this.#follow(call);
    this.#store.setState({ call });
    try {
      if (ring) call.call();
      await call.join();
      this.#entered(call, captured);
    } catch (error) {
      stopTracks(captured.stream);
      if (this.#now.call !== call) return; // given up, and perhaps another has begun
      this.close();
      const left = codeOf(error) === 'left';
      const taken = codeOf(error) === 'username-taken' && !takeOver;
      this.#store.setState({
        error: left ? null : error,
        mayTakeOver: taken && mayTakeOver(placeStore(), callRoomId(name, partner, secret), name),
      });
    }
  };

  #follow(call: Call): void {
    snapshotsOf(call); // hears of everything from the beginning
    call.session.on('state', (session) => {
      if (session.name !== 'ended' || this.#now.call !== call || this.#now.phase !== 'call') return;
      this.close();
      this.#store.setState({ error: session.error });
    });
  }

  #entered(call: Call, { stream, problem, missed }: Capture): void {
    if (this.#now.call !== call) return stopTracks(stream);
    const [microphone = null] = stream.getAudioTracks();
    const [camera = null] = stream.getVideoTracks();
    if (microphone) this.#watchDevice('microphone', microphone);
    if (camera) this.#watchDevice('camera', camera);
    this.#store.setState({ phase: 'call', problem, missed: missed.map(deviceOf), microphone, camera });
    call.setMarks({ microphone: microphone !== null, camera: camera !== null });
    Object.assign(window, { rotunda: { call } });
  }

  close = (): void => {
    const { call, microphone, camera } = this.#now;
    this.#store.setState(NO_CALL);
    call?.leave();
    for (const source of ['microphone', 'camera'] as const) this.#unwatch[source]?.();
    for (const track of [microphone, camera]) track?.stop();
  };

  // Somebody else than the link is for.
  forgetLink = (): void => {
    this.#store.setState({ partner: '', secret: '', linked: false, error: null, mayTakeOver: false });
    putAddress(null);
  };

  // ---- microphone and camera ----

  #tellMarks(): void {
    const { call, microphone, camera, muted, losses } = this.#now;
    call?.setMarks({
      microphone: microphone !== null && !muted && losses.microphone === undefined,
      camera: camera !== null && losses.camera === undefined,
    });
  }

  #watchDevice(source: Device, track: MediaStreamTrack): void {
    this.#unwatch[source]?.();
    this.#unwatch[source] = watchTrack(track, (loss) => {
      const { [source]: now, losses } = this.#now;
      if (now !== track) return;
      const { [source]: _, ...others } = losses;
      this.#store.setState({ losses: loss === null ? others : { ...others, [source]: loss } });
      this.#tellMarks(); // what another program holds stands still over there
      if (loss === 'ended') void this.#put(source, null).catch((error) => console.warn(error));
    });
  }

  // Sends this track in place of the one before; null: none, and the device's light goes out.
  async #put(source: Device, track: MediaStreamTrack | null): Promise<void> {
    const before = this.#now[source];
    this.#store.setState(source === 'camera' ? { camera: track } : { microphone: track });
    this.#tellMarks();
    if (before !== track) before?.stop();
    await this.#now.call?.setTrack(source === 'camera' ? 'video' : 'audio', track);
  }

  #forgetLoss(source: Device): void {
    const { [source]: _, ...losses } = this.#now.losses;
    this.#store.setState({ losses });
  }

  // Takes a device anew: after another was chosen, or after it was gone.
  take = async (source: Device): Promise<void> => {
    const { call } = this.#now;
    const { microphoneId, cameraId } = usePreferences.getState();
    const { track, missed } =
      source === 'camera' ? await captureTrack('video', cameraId) : await captureTrack('audio', microphoneId);
    if (call === null || this.#now.call !== call) return track.stop();
    if (source === 'microphone') track.enabled = !this.#now.muted;
    this.#watchDevice(source, track);
    this.#forgetLoss(source);
    this.#store.setState({ missed: missed ? [source] : [] });
    await this.#put(source, track);
  };

  changeDevice = async (source: Device): Promise<void> => {
    const { [source]: track, losses } = this.#now;
    if (track !== null || losses[source] !== undefined) await this.take(source);
  };

  setMuted = async (muted: boolean): Promise<void> => {
    const { microphone } = this.#now;
    this.#store.setState({ muted });
    if (microphone) microphone.enabled = !muted;
    else if (!muted) await this.take('microphone');
    this.#tellMarks();
  };

  // Switched off the camera runs no more: its light is out.
  setCamera = async (on: boolean): Promise<void> => {
    if (on) return this.take('camera');
    this.#forgetLoss('camera');
    this.#unwatch.camera?.();
    await this.#put('camera', null);
  };
}
