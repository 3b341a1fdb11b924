// Cameras, microphones and what may be wrong with them.

export type DeviceProblem = 'insecure' | 'denied' | 'missing' | 'busy' | 'failed';

export interface Capture {
  stream: MediaStream;
  problem: DeviceProblem | null;
}

export interface CaptureWish {
  audio: boolean;
  video: boolean;
  microphoneId?: string;
  cameraId?: string;
}

export function problemOf(error: unknown): DeviceProblem {
  switch ((error as Error)?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
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

// The size of the picture can be set in the address, for trying: ?width=320&height=180&fps=15
function videoConstraints(cameraId: string | undefined): MediaTrackConstraints {
  const query = new URLSearchParams(location.search);
  return {
    width: { ideal: Number(query.get('width') ?? 1280) },
    height: { ideal: Number(query.get('height') ?? 720) },
    frameRate: { ideal: Number(query.get('fps') ?? 30) },
    ...(cameraId ? { deviceId: { ideal: cameraId } } : {}),
  };
}

function audioConstraints(microphoneId: string | undefined): MediaTrackConstraints {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(microphoneId ? { deviceId: { ideal: microphoneId } } : {}),
  };
}

// What there is of what is wished for. Never fails: what is wrong is told beside the stream.
export async function capture(wish: CaptureWish): Promise<Capture> {
  if (!wish.audio && !wish.video) return { stream: new MediaStream(), problem: null };
  if (navigator.mediaDevices?.getUserMedia === undefined) return { stream: new MediaStream(), problem: 'insecure' };
  const audio = wish.audio && audioConstraints(wish.microphoneId);
  const video = wish.video && videoConstraints(wish.cameraId);
  const tries = [{ audio, video }, ...(audio && video ? [{ audio, video: false }, { audio: false, video }] : [])];
  let problem: DeviceProblem | null = null;
  for (const constraints of tries) {
    try {
      return { stream: await navigator.mediaDevices.getUserMedia(constraints), problem };
    } catch (error) {
      problem ??= problemOf(error);
    }
  }
  return { stream: new MediaStream(), problem };
}

export async function captureTrack(kind: 'audio' | 'video', deviceId: string): Promise<MediaStreamTrack> {
  const stream = await navigator.mediaDevices.getUserMedia(
    kind === 'audio' ? { audio: audioConstraints(deviceId) } : { video: videoConstraints(deviceId) },
  );
  return stream.getTracks()[0]!;
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

// Half a second of a soft tone as a WAV file, so that the chosen speaker can play it.
export function testTone(): Blob {
  const rate = 24_000;
  const samples = Math.round(rate * 0.6);
  const view = new DataView(new ArrayBuffer(44 + samples * 2));
  const text = (at: number, value: string) => [...value].forEach((char, i) => view.setUint8(at + i, char.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, 36 + samples * 2, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples * 2, true);
  for (let i = 0; i < samples; i++) {
    const fade = Math.sin((Math.PI * i) / samples);
    const pitch = i < samples / 2 ? 523 : 659;
    view.setInt16(44 + i * 2, Math.sin((2 * Math.PI * pitch * i) / rate) * fade * 9000, true);
  }
  return new Blob([view], { type: 'audio/wav' });
}
