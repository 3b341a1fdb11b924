// A camera's picture with what is behind the person out of focus. MediaPipe's selfie segmenter runs in this browser, of files
// that our own server has (copy-blur.mjs); nothing of it is loaded before somebody asks for it.
import { DeviceError } from './devices';

const FOLDER = '/blur/';
const EVERY_MS = 40; // 25 pictures a second at most
const SMALL = 24; // the background is drawn this many times smaller, and large again: a blur that every browser has

interface Results {
  image: CanvasImageSource;
  segmentationMask: CanvasImageSource;
}

interface Segmenter {
  setOptions: (options: { modelSelection: number }) => void;
  onResults: (listener: (results: Results) => void) => void;
  initialize: () => Promise<void>;
  send: (input: { image: HTMLVideoElement }) => Promise<void>;
  close: () => Promise<void>;
}

type WithSegmenter = { SelfieSegmentation?: new (config: { locateFile: (name: string) => string }) => Segmenter };

let loading: Promise<void> | null = null;

function load(): Promise<void> {
  loading ??= new Promise<void>((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src: `${FOLDER}selfie_segmentation.js` });
    script.onload = () => resolve();
    script.onerror = () => {
      loading = null; // the next one may have a network
      reject(new DeviceError('blur'));
    };
    document.head.append(script);
  });
  return loading;
}

async function makeSegmenter(): Promise<Segmenter> {
  await load();
  const { SelfieSegmentation } = window as unknown as WithSegmenter;
  if (SelfieSegmentation === undefined) throw new DeviceError('blur');
  const segmenter = new SelfieSegmentation({ locateFile: (name) => FOLDER + name });
  segmenter.setOptions({ modelSelection: 1 }); // made for pictures that are wider than high
  try {
    await segmenter.initialize();
  } catch {
    throw new DeviceError('blur');
  }
  return segmenter;
}

// The person as they are, on top of a background of few colours.
function paint(
  pen: CanvasRenderingContext2D,
  small: CanvasRenderingContext2D,
  { image, segmentationMask }: Results,
): void {
  const { width, height } = pen.canvas;
  small.drawImage(image, 0, 0, small.canvas.width, small.canvas.height);
  pen.globalCompositeOperation = 'copy';
  pen.drawImage(segmentationMask, 0, 0, width, height);
  pen.globalCompositeOperation = 'source-in';
  pen.drawImage(image, 0, 0, width, height);
  pen.globalCompositeOperation = 'destination-over';
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(small.canvas, 0, 0, width, height);
}

function penOf(width: number, height: number): CanvasRenderingContext2D {
  const pen = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
  if (pen === null) throw new DeviceError('blur');
  return pen;
}

// The camera's track becomes this one's: it ends with it, and is let go of with it. Where this cannot be had the camera is
// let go of and the promise rejects: nobody is shown who asked not to be.
export async function blurBackground(camera: MediaStreamTrack): Promise<MediaStreamTrack> {
  try {
    return await startBlur(camera);
  } catch (error) {
    camera.stop();
    throw error instanceof DeviceError ? error : new DeviceError('blur');
  }
}

async function startBlur(camera: MediaStreamTrack): Promise<MediaStreamTrack> {
  const segmenter = await makeSegmenter();
  const { width = 640, height = 360 } = camera.getSettings();
  const pen = penOf(width, height);
  const small = penOf(Math.ceil(width / SMALL), Math.ceil(height / SMALL));
  const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true });
  video.srcObject = new MediaStream([camera]);
  let painted = () => {};
  const first = new Promise<void>((resolve) => (painted = resolve));
  segmenter.onResults((results) => {
    paint(pen, small, results);
    painted();
  });
  await video.play();
  const out = pen.canvas.captureStream(1000 / EVERY_MS).getVideoTracks()[0]!;
  const stopOut = out.stop.bind(out);
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    camera.stop();
    stopOut();
    video.srcObject = null;
    void segmenter.close();
  };
  out.stop = end;
  // What a canvas gives has none of these of its own.
  camera.addEventListener('ended', () => {
    end();
    out.dispatchEvent(new Event('ended'));
  });
  for (const event of ['mute', 'unmute']) camera.addEventListener(event, () => out.dispatchEvent(new Event(event)));
  // A timer, for a hidden page gets no frames to draw in.
  const next = async () => {
    if (over) return;
    const began = performance.now();
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) await segmenter.send({ image: video });
    setTimeout(() => void next().catch(end), Math.max(0, EVERY_MS - (performance.now() - began)));
  };
  await Promise.race([
    next().then(() => first),
    new Promise((_, reject) => setTimeout(() => reject(new DeviceError('blur')), 20_000)),
  ]).catch((error) => {
    end();
    throw error;
  });
  return out;
}
