// Cameras, microphones and what may be wrong with them.
import { usePreferences } from './preferences';

export type DeviceProblem =
  | 'insecure' // a page without https gets none
  | 'denied' // by the person, for this page
  | 'dismissed' // the question was closed without an answer
  | 'denied-system' // by the settings of the system, for this browser
  | 'policy' // by the page that this one is framed in
  | 'missing'
  | 'busy'
  | 'blur' // it was asked for, and is not to be had
  | 'failed';
export type TrackKind = 'audio' | 'video';

export interface Capture {
  stream: MediaStream;
  problem: DeviceProblem | null;
  missed: TrackKind[]; // the chosen device is not to be had, and another one stands in
}

export interface CaptureWish {
  audio: boolean;
  video: boolean;
  microphoneId?: string;
  cameraId?: string;
}

export class DeviceError extends Error {
  readonly problem: DeviceProblem;

  constructor(problem: DeviceProblem) {
    super(problem);
    this.name = 'DeviceError';
    this.problem = problem;
  }
}

export function problemOf(error: unknown): DeviceProblem {
  if (error instanceof DeviceError) return error.problem;
  const { name, message = '' } = (error ?? {}) as Error;
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      if (/by system/i.test(message)) return 'denied-system';
      if (/policy/i.test(message)) return 'policy';
      return /dismissed/i.test(message) ? 'dismissed' : 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

// Where a page gets no devices there is no object to ask for them.
function mediaDevices(): MediaDevices {
  if (navigator.mediaDevices?.getUserMedia === undefined) throw new DeviceError('insecure');
  return navigator.mediaDevices;
}

// The size of the picture can be set in the address, for trying: ?width=320&height=180&fps=15
function videoConstraints(cameraId: string | undefined): MediaTrackConstraints {
  const query = new URLSearchParams(location.search);
  return {
    width: { ideal: Number(query.get('width') ?? 1280) },
    height: { ideal: Number(query.get('height') ?? 720) },
    frameRate: { ideal: Number(query.get('fps') ?? 30) },
    ...(cameraId ? { deviceId: { exact: cameraId } } : {}),
  };
}

function audioConstraints(microphoneId: string | undefined): MediaTrackConstraints {
  const { noiseSuppression, echoCancellation } = usePreferences.getState();
  return {
    noiseSuppression,
    echoCancellation,
    autoGainControl: true,
    ...(microphoneId ? { deviceId: { exact: microphoneId } } : {}),
  };
}

const mayBeTheChoice = (error: unknown) => ['missing', 'busy'].includes(problemOf(error));

// The devices that were chosen, else any: a choice of last week may be in a drawer.
async function getMedia({ audio, video, microphoneId, cameraId }: CaptureWish): Promise<Omit<Capture, 'problem'>> {
  const media = mediaDevices();
  const constraints = (microphone?: string, camera?: string) => ({
    audio: audio && audioConstraints(microphone),
    video: video && videoConstraints(camera),
  });
  // Exact wishes that cannot be met fail without a word on which of two it was: each is left out in turn, then both.
  const [microphone, camera] = [audio ? microphoneId : '', video ? cameraId : ''];
  const tries: { ids: [string?, string?]; missed: TrackKind[] }[] = [{ ids: [microphone, camera], missed: [] }];
  if (camera) tries.push({ ids: [microphone, ''], missed: ['video'] });
  if (microphone) tries.push({ ids: ['', camera], missed: ['audio'] });
  if (camera && microphone) tries.push({ ids: ['', ''], missed: ['audio', 'video'] });
  let failure: unknown;
  for (const { ids, missed } of tries) {
    try {
      return { stream: await focused(await media.getUserMedia(constraints(...ids))), missed };
    } catch (error) {
      failure = error;
      if (!mayBeTheChoice(error)) break;
    }
  }
  throw failure;
}

// With a background out of focus, if the person wants that.
async function focused(stream: MediaStream): Promise<MediaStream> {
  const [camera] = stream.getVideoTracks();
  if (camera === undefined || !usePreferences.getState().blur) return stream;
  try {
    const { blurBackground } = await import('./blur');
    return new MediaStream([...stream.getAudioTracks(), await blurBackground(camera)]);
  } catch (error) {
    stopTracks(stream);
    throw error;
  }
}

// What there is of what is wished for. Never fails: what is wrong is told beside the stream.
export async function capture(wish: CaptureWish): Promise<Capture> {
  const { audio, video } = wish;
  if (!audio && !video) return { stream: new MediaStream(), problem: null, missed: [] };
  const tries = [
    wish,
    ...(audio && video
      ? [
          { ...wish, video: false },
          { ...wish, audio: false },
        ]
      : []),
  ];
  let problem: DeviceProblem | null = null;
  for (const one of tries) {
    try {
      return { ...(await getMedia(one)), problem };
    } catch (error) {
      problem ??= problemOf(error);
      if (problem === 'insecure') break;
    }
  }
  return { stream: new MediaStream(), problem, missed: [] };
}

// missed: the chosen device is not to be had, and another one stands in.
export async function captureTrack(
  kind: TrackKind,
  deviceId: string,
): Promise<{ track: MediaStreamTrack; missed: boolean }> {
  const audio = kind === 'audio';
  const { stream, missed } = await getMedia({ audio, video: !audio, microphoneId: deviceId, cameraId: deviceId });
  return { track: stream.getTracks()[0]!, missed: missed.length > 0 };
}

// The screen that the person picks; null when they thought better of it.
export async function captureScreen(): Promise<MediaStream | null> {
  const media = mediaDevices();
  if (typeof media.getDisplayMedia !== 'function') throw new DeviceError('failed');
  try {
    return await media.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: true });
  } catch (error) {
    const problem = problemOf(error);
    if (problem === 'denied' || problem === 'dismissed') return null;
    throw error;
  }
}

// ---- what happens to a device while it is used ----

// ended: it was unplugged, or its permission was taken away; muted: the system or another program holds it.
export type DeviceLoss = 'ended' | 'muted';

// Tells when the device of this track is lost, and null when it is back. Returns what ends that. One at a time for a track.
export function watchTrack(track: MediaStreamTrack, tell: (loss: DeviceLoss | null) => void): () => void {
  track.onended = () => tell('ended');
  track.onmute = () => tell('muted');
  track.onunmute = () => tell(null);
  return () => void (track.onended = track.onmute = track.onunmute = null);
}

export function stopTracks(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export type BrowserName = 'chrome' | 'firefox' | 'safari' | 'other';

export function browserName(agent = navigator.userAgent): BrowserName {
  if (/firefox|fxios/i.test(agent)) return 'firefox';
  if (/chrome|chromium|crios|edg/i.test(agent)) return 'chrome';
  if (/safari/i.test(agent)) return 'safari';
  return 'other';
}
