// Sounds that the page makes itself, as WAV files, so that the chosen speaker can play them.
const RATE = 24_000;

// at: the sample at this second, from -1 to 1.
function wav(seconds: number, at: (second: number) => number): Blob {
  const samples = Math.round(RATE * seconds);
  const view = new DataView(new ArrayBuffer(44 + samples * 2));
  const text = (to: number, value: string) =>
    [...value].forEach((char, i) => view.setUint8(to + i, char.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, 36 + samples * 2, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples * 2, true);
  for (let i = 0; i < samples; i++) view.setInt16(44 + i * 2, at(i / RATE) * 32_767, true);
  return new Blob([view], { type: 'audio/wav' });
}

const tone = (second: number, pitch: number) => Math.sin(2 * Math.PI * pitch * second);

// Half a second, soft, to try a speaker with.
export function testTone(): Blob {
  const seconds = 0.6;
  return wav(
    seconds,
    (second) => 0.27 * Math.sin((Math.PI * second) / seconds) * tone(second, second < seconds / 2 ? 523 : 659),
  );
}

const RING_EVERY_S = 3;

// Two soft rings and a pause, to be repeated.
function ringTone(): Blob {
  return wav(RING_EVERY_S, (second) => {
    const within = second % 0.7;
    if (second >= 1.4 || within > 0.5) return 0;
    return (0.2 * Math.sin((Math.PI * within) / 0.5) * (tone(second, 440) + tone(second, 554))) / 2;
  });
}

const VIBRATION_MS = [400, 300, 400, 1900];

// Rings, and shakes a phone, until what is returned is called.
export function ring(speakerId: string): () => void {
  const url = URL.createObjectURL(ringTone());
  const audio = new Audio(url);
  audio.loop = true;
  audio.dataset.ring = '';
  const play = async () => {
    if (speakerId && 'setSinkId' in audio) await audio.setSinkId(speakerId).catch(() => {});
    await audio.play();
  };
  void play().catch(() => {}); // the browser wants a click first: the words on the screen have to do
  const shake = () => navigator.vibrate?.(VIBRATION_MS);
  shake();
  const timer = setInterval(shake, RING_EVERY_S * 1000);
  return () => {
    clearInterval(timer);
    navigator.vibrate?.(0);
    audio.pause();
    URL.revokeObjectURL(url);
  };
}
