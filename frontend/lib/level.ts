// How loud a track is.
const LEVEL_EVERY_MS = 100;

// Tells how loud the track is, from 0 to 1, ten times a second, until what is returned is called.
export function watchLevel(track: MediaStreamTrack, heard: (level: number) => void): () => void {
  const context = new AudioContext();
  // Before the first click or key some browsers let it stand still.
  const start = () => void context.resume().catch(() => {});
  for (const event of ['pointerdown', 'keydown']) window.addEventListener(event, start);
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    heard(Math.max(0, Math.min(1, (10 * Math.log10(power + 1e-10) + 60) / 55)));
  }, LEVEL_EVERY_MS);
  return () => {
    clearInterval(timer);
    for (const event of ['pointerdown', 'keydown']) window.removeEventListener(event, start);
    void context.close();
  };
}
