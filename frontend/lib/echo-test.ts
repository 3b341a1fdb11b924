// Records the microphone for a moment and plays it back: what the others would hear.
import { captureTrack } from './devices';

export const ECHO_MS = 3000;

async function record(microphoneId: string): Promise<Blob> {
  const { track } = await captureTrack('audio', microphoneId);
  try {
    const recorder = new MediaRecorder(new MediaStream([track]));
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise<void>((resolve) => (recorder.onstop = () => resolve()));
    recorder.start();
    setTimeout(() => recorder.state === 'recording' && recorder.stop(), ECHO_MS);
    await stopped;
    return new Blob(parts, { type: recorder.mimeType });
  } finally {
    track.stop();
  }
}

async function play(sound: Blob, speakerId: string): Promise<void> {
  const url = URL.createObjectURL(sound);
  try {
    const audio = new Audio(url);
    const over = new Promise<void>((resolve, reject) => {
      audio.onended = () => resolve();
      audio.onerror = () => reject(new Error(audio.error?.message ?? ''));
    });
    if (speakerId && 'setSinkId' in audio) await audio.setSinkId(speakerId);
    await audio.play();
    await over;
  } finally {
    URL.revokeObjectURL(url);
  }
}

export type EchoPhase = 'recording' | 'playing' | null;

// Tells what it does; null at its end, whatever that was.
export async function echoTest(
  microphoneId: string,
  speakerId: string,
  tell: (phase: EchoPhase) => void,
): Promise<void> {
  try {
    tell('recording');
    const sound = await record(microphoneId);
    tell('playing');
    await play(sound, speakerId);
  } finally {
    tell(null);
  }
}
