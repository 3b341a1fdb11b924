// What a person can do in a call; components call these (useCallActions) and read the store.
import { captureScreen, captureTrack, problemOf, stopTracks, watchTrack, type DeviceLoss } from './devices';
import { usePreferences } from './preferences';
import {
  codeOf,
  needsPassword,
  RotundaError,
  type Doorway,
  type LocalTrack,
  type Room,
  type Source,
} from '@rotunda/client';
import { keyOfAddress } from './e2ee-key';
import { invitation } from './invitation';
import { icePolicy, serverUrl } from './server-url';
import { stateOf, tileOf } from '@rotunda/react';
import { follow, INITIAL, type CallStore, type Panel } from './store';

type Device = 'microphone' | 'camera';

export interface JoinOptions {
  password?: string; // of the room, or of the moderator of this name
  takeOver?: boolean; // the place that this name has here was this browser's own
}

// As long as a first join is tried again by the session.
const FETCHES_MAX = 20;
const FETCH_AGAIN_MS = 4_000;

const fetchPart = () =>
  import('./room-part').catch(() => {
    throw new RotundaError('unreachable', 'The rest of the page could not be fetched.');
  });

const ownStorage = (kind: 'sessionStorage' | 'localStorage'): Storage | undefined => {
  try {
    return window[kind];
  } catch {
    return undefined; // cookies are blocked
  }
};

// How much of a large room comes: what was chosen in the settings, and whoever is pinned.
export function followChoice(of: Pick<Room, 'choose'>, store: CallStore): () => void {
  const tell = () => {
    const { lastN, loudestN } = usePreferences.getState();
    const { pinned } = store.getState();
    of.choose({ lastN, loudestN, pinned: pinned === null ? [] : [tileOf(pinned).userId] });
  };
  tell();
  const offs = [
    usePreferences.subscribe(
      (now, before) => (now.lastN !== before.lastN || now.loudestN !== before.loudestN) && tell(),
    ),
    store.subscribe((now, before) => now.pinned !== before.pinned && tell()),
  ];
  return () => offs.forEach((off) => off());
}

// The tracks that go in with the person: as they were chosen in the lobby.
function tracksFor(stream: MediaStream): Partial<Record<Device, LocalTrack>> {
  const local: Partial<Record<Device, LocalTrack>> = {};
  for (const track of stream.getTracks()) {
    const source: Device = track.kind === 'audio' ? 'microphone' : 'camera';
    const wanted = usePreferences.getState()[source === 'camera' ? 'cameraOn' : 'microphoneOn'];
    if (!wanted && source === 'camera') {
      track.stop();
      continue;
    }
    track.enabled = wanted;
    local[source] = { track, paused: !wanted };
  }
  return local;
}

// What the address asks of a room: to be encrypted; and for trying.
function optionsOfAddress() {
  const query = new URLSearchParams(location.search);
  const simulcast = query.get('simulcast');
  const key = keyOfAddress();
  return {
    codec: query.get('codec') ?? undefined,
    simulcast: simulcast === null ? undefined : simulcast === '1',
    scalabilityMode: query.get('svc') ?? undefined,
    iceTransportPolicy: icePolicy(),
    e2ee: key === null ? undefined : { key },
  };
}

export class RoomActions {
  readonly #store: CallStore;
  #unfollow: (() => void) | null = null;
  #doorway: Doorway | null = null;
  #isAboutToJoin = false;
  #unwatch: Partial<Record<Device, () => void>> = {};
  #wasPaused: Partial<Record<Device, boolean>> = {}; // of a device that went away
  #taken = new Set<Device>(); // by another program, and switched off for as long: not by the person
  // Of this page's rooms, for as long as it is open: nothing writes them down.
  #passwords = new Map<string, string>();

  constructor(store: CallStore) {
    this.#store = store;
  }

  get #room(): Room | null {
    return this.#store.getState().room;
  }

  #mine(source: Source): LocalTrack | undefined {
    return this.#room?.local.get(source);
  }

  // Somebody may be about to join: whatever takes time is done before the click.
  prepareToJoin = (): void => {
    this.#isAboutToJoin = true;
    const prepare = async () => {
      const part = await fetchPart();
      if (this.#isAboutToJoin) (this.#doorway ??= new part.Doorway(serverUrl())).prepare();
    };
    void prepare().catch(() => {}); // a join will ask again
  };

  // Nobody is about to join any more.
  forgetToJoin = (): void => {
    this.#isAboutToJoin = false;
    this.#doorway?.close();
  };

  // ---- devices that go away ----

  // A phone call or another program may take a device away, and a person may unplug it.
  #watchDevice(source: Device, track: MediaStreamTrack): void {
    this.#unwatch[source]?.();
    this.#unwatch[source] = watchTrack(track, (loss) => {
      if (this.#mine(source)?.track !== track) return;
      this.#setLoss(source, loss);
      const done = loss === 'ended' ? this.#letGo(source, track) : this.#hold(source, loss === 'muted');
      void done.catch((error) => console.warn(error));
    });
  }

  // What another program has taken is switched off for the others until it is back: else they look at a picture that stands
  // still.
  async #hold(source: Device, taken: boolean): Promise<void> {
    if (taken && this.isOn(source)) {
      this.#taken.add(source);
      await this.#room?.pause(source, true);
    } else if (!taken && this.#taken.delete(source)) {
      await this.#room?.pause(source, false);
    }
  }

  // As the person has it, whatever another program does.
  #isPaused(source: Device): boolean | undefined {
    return this.#taken.has(source) ? false : this.#mine(source)?.paused;
  }

  #setLoss(source: Device, loss: DeviceLoss | null): void {
    this.#store.setState(({ losses: { [source]: _, ...others } }) => ({
      losses: loss === null ? others : { ...others, [source]: loss },
    }));
  }

  // What has ended is switched off for the others, too: they would hear and see nothing, and not know why.
  async #letGo(source: Device, track: MediaStreamTrack): Promise<void> {
    this.#wasPaused[source] = this.#isPaused(source) ?? false;
    this.#taken.delete(source);
    track.stop();
    await this.#room?.pause(source, true, { release: true });
  }

  // ---- coming and going ----

  // What it takes to join, though the server may be away for a moment: then people hear that it is tried again, and may give
  // it up.
  async #fetchToJoin(): ReturnType<typeof fetchPart> {
    for (let tries = 1; ; tries++) {
      try {
        return await fetchPart();
      } catch (error) {
        if (tries === FETCHES_MAX) throw error;
        this.#store.setState({ awaited: error as Error });
      }
      await new Promise((resolve) => setTimeout(resolve, FETCH_AGAIN_MS * Math.random()));
      if (this.#store.getState().phase !== 'joining') throw new RotundaError('left', 'The join was given up.');
    }
  }

  async #makeRoom(roomId: string, name: string, takeOver: boolean): Promise<Room> {
    const part = await this.#fetchToJoin();
    const room = new part.Room(serverUrl(), roomId, name, {
      ...optionsOfAddress(),
      token: invitation()?.token,
      password: this.#passwords.get(roomId),
      tokenStore: ownStorage('sessionStorage'),
      placeStore: ownStorage('localStorage'),
      takeOver,
      doorway: this.#doorway ?? undefined,
    });
    stateOf(room);
    return room;
  }

  join = async (
    roomId: string,
    name: string,
    stream: MediaStream,
    { takeOver = false, password }: JoinOptions = {},
  ): Promise<void> => {
    if (password) this.#passwords.set(roomId, password);
    performance.mark('join');
    this.#unfollow?.();
    this.#unfollow = null;
    this.#store.setState({ ...INITIAL, phase: 'joining', roomId });
    const entering = await this.#makeRoom(roomId, name, takeOver).catch((error: Error) => {
      stopTracks(stream);
      this.#store.setState({ phase: 'lobby', awaited: null, error: codeOf(error) === 'left' ? null : error });
      return null;
    });
    if (entering === null) return;
    this.#taken.clear();
    const offs = [
      follow(entering, this.#store),
      followChoice(entering, this.#store),
      // What a moderator has muted does not come back by itself.
      entering.on('muted', ({ kind }) => void this.#taken.delete(kind === 'audio' ? 'microphone' : 'camera')),
    ];
    this.#unfollow = () => offs.forEach((off) => off());
    const local = tracksFor(stream);
    this.#store.setState({ room: entering, awaited: null });
    for (const [source, { track }] of Object.entries(local)) if (track) this.#watchDevice(source as Device, track);
    let entered = false;
    const off = entering.on('entered', () => {
      entered = true;
      Object.assign(window, { rotunda: { room: entering, whole: false } });
      if (this.#room === entering) this.#store.setState({ phase: 'room' }); // what is sent follows
    });
    try {
      await entering.join(local);
      Object.assign(window, { rotunda: { room: entering, whole: true } }); // all that is sent has its producer
      this.#store.setState(({ phase }) => (phase === 'joining' ? { phase: 'room' } : {}));
    } catch (error) {
      stopTracks(stream);
      await this.#joinFailed(entering, error, { entered, takeOver });
    } finally {
      off();
    }
  };

  async #joinFailed(
    entering: Room,
    error: unknown,
    { entered, takeOver }: { entered: boolean; takeOver: boolean },
  ): Promise<void> {
    const { mayTakeOver } = await fetchPart();
    const { roomId, session } = { roomId: entering.session.roomId, session: entering.session };
    if (this.#room === entering) this.#store.setState({ room: null });
    if (needsPassword(error)) this.#passwords.delete(roomId);
    // In the room already, and cannot send: that is no way to be in it either.
    const { phase } = this.#store.getState();
    if (phase !== 'joining' && !(entered && phase !== 'lobby')) return;
    const taken = codeOf(error) === 'username-taken';
    this.#store.setState({
      phase: 'lobby',
      error: codeOf(error) === 'left' ? null : (error as Error),
      mayTakeOver: taken && !takeOver && mayTakeOver(ownStorage('localStorage'), roomId, session.username),
    });
  }

  leave = (options?: { keepToken?: boolean }): void => {
    const room = this.#room;
    const tracks = [...(room?.local.values() ?? [])].map(({ track }) => track);
    room?.leave(options);
    for (const track of tracks) track?.stop();
    for (const source of ['microphone', 'camera'] as const) this.#unwatch[source]?.();
    this.#store.setState({ room: null });
  };

  // Gives up a join that has found no server yet.
  cancelJoin = (): void => {
    if (this.#room === null) this.#store.setState({ phase: 'lobby', awaited: null });
    else this.#room.leave();
  };

  backToLobby = (): void => {
    this.leave();
    this.#unfollow?.();
    this.#unfollow = null;
    this.#store.setState(INITIAL);
  };

  // ---- microphone and camera ----

  // Takes a device anew; tells when it is not the one that was chosen.
  async #take(source: Device): Promise<MediaStreamTrack> {
    const { microphoneId, cameraId } = usePreferences.getState();
    const { track, missed } =
      source === 'microphone' ? await captureTrack('audio', microphoneId) : await captureTrack('video', cameraId);
    this.#setLoss(source, null);
    this.#watchDevice(source, track);
    if (missed) this.#store.setState(({ missed: before }) => ({ missed: { source, count: (before?.count ?? 0) + 1 } }));
    return track;
  }

  // Before a device is taken for what would not go out.
  #assertFree(source: Source): void {
    if (this.#room?.isHeld(source)) throw new RotundaError('held', 'A moderator has muted this side.');
  }

  setMicrophone = async (on: boolean): Promise<void> => {
    const room = this.#room;
    if (room === null) return;
    if (on) this.#assertFree('microphone');
    this.#taken.delete('microphone'); // from now on as they want it
    if (this.#mine('microphone')?.track?.readyState === 'live') await room.pause('microphone', !on);
    else if (on) await this.restoreMicrophone({ paused: false });
  };

  // Takes the microphone anew. Who was muted stays so.
  restoreMicrophone = async ({ paused }: { paused?: boolean } = {}): Promise<void> => {
    const before = this.#mine('microphone');
    const now = this.#isPaused('microphone');
    const silent = paused ?? (before?.track ? now! : (this.#wasPaused.microphone ?? now ?? false));
    const track = await this.#take('microphone');
    track.enabled = !silent;
    delete this.#wasPaused.microphone;
    this.#taken.delete('microphone');
    before?.track?.stop();
    await this.#room?.send('microphone', track, { paused: silent });
  };

  setCamera = async (on: boolean): Promise<void> => {
    const room = this.#room;
    if (room === null) return;
    const before = this.#mine('camera')?.track;
    if (on) this.#assertFree('camera');
    this.#taken.delete('camera');
    if (on) {
      await room.send('camera', await this.#take('camera'));
    } else {
      this.#setLoss('camera', null);
      await room.pause('camera', true, { release: true });
    }
    before?.stop();
  };

  // Another device was chosen in mid-call, or the same one is to be treated otherwise.
  changeDevice = async (source: Device): Promise<void> => {
    const lost = this.#store.getState().losses[source] !== undefined;
    if (this.#room === null || (!this.#mine(source)?.track && !lost)) return;
    if (source === 'camera') await this.#changeCamera();
    else await this.#changeMicrophone();
  };

  async #changeCamera(): Promise<void> {
    try {
      await this.setCamera(true);
    } catch (error) {
      // Who wanted a blurred background is not shown without.
      if (problemOf(error) === 'blur') await this.setCamera(false);
      throw error;
    }
  }

  // Let go of first: a browser treats a microphone that is in use already as it does so far, and a phone has but one.
  async #changeMicrophone(): Promise<void> {
    const before = this.#mine('microphone')?.track;
    before?.stop();
    try {
      await this.restoreMicrophone();
    } catch (error) {
      this.#setLoss('microphone', 'ended');
      if (before) await this.#letGo('microphone', before);
      throw error;
    }
  }

  toggleMicrophone = (): Promise<void> => this.setMicrophone(!this.isOn('microphone'));
  toggleCamera = (): Promise<void> => this.setCamera(!this.isOn('camera'));

  isOn = (source: Source): boolean => {
    const mine = this.#mine(source);
    return mine?.track != null && !mine.paused;
  };

  // ---- screen ----

  toggleScreen = async (): Promise<void> => {
    const room = this.#room;
    if (room === null) return;
    if (this.#mine('screen')) return this.#stopScreen();
    this.#assertFree('screen');
    const stream = await captureScreen();
    for (const track of stream?.getTracks() ?? []) {
      const source: Source = track.kind === 'video' ? 'screen' : 'screen-audio';
      if (track.kind === 'video') track.contentHint = 'detail';
      track.onended = () => void this.#stopScreen();
      await room.send(source, track);
    }
  };

  async #stopScreen(): Promise<void> {
    for (const source of ['screen', 'screen-audio'] as const) {
      const mine = this.#mine(source);
      if (!mine) continue;
      mine.track?.stop();
      await this.#room?.stop(source);
    }
  }

  // ---- the rest ----

  setPanel = (panel: Panel): void => {
    this.#store.setState(({ unread }) => ({ panel, unread: panel === 'chat' ? 0 : unread }));
  };

  // Closes the panel, and gives the focus back to the button that opened it.
  closePanel = (): void => {
    const { panel } = this.#store.getState();
    if (panel === null) return;
    this.setPanel(null);
    document.getElementById(panel)?.focus();
  };

  setView = (view: 'grid' | 'speaker'): void => {
    this.#store.setState({ view, viewBefore: null, pinned: null, page: 0 });
  };

  togglePin = (tileId: string): void => {
    this.#store.setState(({ pinned }) =>
      pinned === tileId
        ? { pinned: null, view: 'grid', viewBefore: null }
        : { pinned: tileId, view: 'speaker', viewBefore: null },
    );
  };
}
