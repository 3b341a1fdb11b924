// Encryption from end to end, as a Room uses it: every sender and every receiver gets a transform before its first frame.
import type { types } from 'mediasoup-client';
import { RotundaError } from '../errors.ts';
import type { EncryptionState } from '../room-events.ts';
import { importSecret, type E2eeCodec, type Refusal } from './frame.ts';
import type { AppData, Kind } from '../protocol.ts';
import { e2eeSupported, isE2eeKey, keyBytesOf } from './key.ts';
import type { TransformOptions, WorkerNews } from './worker.ts';

export interface E2eeOptions {
  key: string; // of the room, as e2eeKey() makes it; nobody tells the server
  makeWorker?: () => Worker; // of @rotunda/client/e2ee-worker; default: found by the bundler, by its URL
}

type Transform = new (worker: Worker, options: TransformOptions) => object;

// H264 and VP9 are not sent: what browsers and servers read of them lies inside the frames.
const CODECS: Record<string, E2eeCodec> = { 'audio/opus': 'opus', 'video/vp8': 'vp8', 'video/av1': 'av1' };
const codecOf = (mimeType = ''): E2eeCodec | undefined => CODECS[mimeType.toLowerCase()];

const STATES: Record<Exclude<Refusal, 'replayed'>, EncryptionState> = {
  'not-encrypted': 'not-encrypted',
  'wrong-key': 'wrong-key',
};

const LOADS_WITHIN_MS = 15_000;

const defaultWorker = () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });

async function loaded(makeWorker: () => Worker): Promise<Worker> {
  let worker: Worker | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const made = (worker = makeWorker());
    await new Promise<void>((resolve, reject) => {
      made.addEventListener('message', ({ data }: MessageEvent<WorkerNews>) => data === 'ready' && resolve());
      made.addEventListener('error', reject);
      timer = setTimeout(reject, LOADS_WITHIN_MS);
    });
    return made;
  } catch {
    worker?.terminate();
    throw new RotundaError(
      'e2ee-worker',
      'The worker that encrypts could not be loaded, so nothing was sent. Reload the page.',
    );
  } finally {
    clearTimeout(timer);
  }
}

interface Of {
  senderId: string;
  source: string;
  mimeType: string | undefined;
}

export class Encryption {
  #secret: CryptoKey;
  #worker: Worker;
  #tell = new Map<string, (state: EncryptionState) => void>(); // by streamKey
  #count = 0;

  // Throws `e2ee-unsupported` where the browser cannot, `e2ee-worker` where the worker does not come: what is sent through a
  // transform of such a one goes nowhere, and nobody would say so.
  static async open({ key, makeWorker = defaultWorker }: E2eeOptions): Promise<Encryption> {
    if (!e2eeSupported())
      throw new RotundaError(
        'e2ee-unsupported',
        'This browser cannot encrypt from end to end: it has no RTCRtpScriptTransform.',
      );
    if (!isE2eeKey(key))
      throw new RotundaError('e2ee-key', 'This is no key for encryption from end to end; e2eeKey() makes one.');
    const secret = await importSecret(keyBytesOf(key));
    return new Encryption(secret, await loaded(makeWorker));
  }

  private constructor(secret: CryptoKey, worker: Worker) {
    this.#secret = secret;
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<WorkerNews>) => {
      if (data !== 'ready' && data.refusal !== 'replayed')
        this.#tell.get(data.streamKey)?.(data.refusal === null ? 'ok' : STATES[data.refusal]);
    });
  }

  // The codec that video is to be sent with.
  videoCodec(wanted = 'vp8'): string {
    if (codecOf(`video/${wanted}`) === undefined)
      throw new RotundaError('e2ee-codec', `With encryption from end to end video is VP8 or AV1, not ${wanted}.`);
    return wanted;
  }

  protect(sender: RTCRtpSender, of: Of): void {
    const codec = codecOf(of.mimeType);
    if (codec === undefined)
      throw new RotundaError('e2ee-codec', `${of.mimeType} cannot be encrypted, and is not sent.`);
    this.#attach(sender, 'encrypt', of, codec);
  }

  // Before its first frame; a producer says in its appData that it is encrypted, for those who cannot read it.
  protectProducer(options: types.ProducerOptions<AppData>, of: Of): void {
    options.appData = { ...options.appData, e2ee: true };
    options.onRtpSender = (sender) => this.protect(sender, of);
  }

  // How a consumer is made. Chromium mixes sound of an SSRC that nobody told it of into what is heard, past the transform of a
  // receiver that was told one; a receiver that was told none has all of its section go through its transform. So sound is
  // told by its MID alone: without a cname mediasoup-client writes no SSRC.
  // Tells how it stands with what comes, when that changes. Of a codec that is none of ours nothing can be authentic.
  reading(
    kind: Kind,
    rtpParameters: types.RtpParameters,
    of: Omit<Of, 'mimeType'>,
    tell: (state: EncryptionState) => void,
  ): Pick<types.ConsumerOptions, 'rtpParameters' | 'onRtpReceiver'> {
    const { cname: _, ...rtcp } = rtpParameters.rtcp ?? {};
    const mimeType = rtpParameters.codecs[0]?.mimeType;
    return {
      rtpParameters: kind === 'audio' ? { ...rtpParameters, rtcp } : rtpParameters,
      onRtpReceiver: (receiver) => {
        const streamKey = this.#attach(receiver, 'decrypt', { ...of, mimeType }, codecOf(mimeType) ?? 'opus');
        this.#tell.set(streamKey, tell);
      },
    };
  }

  // All receivers have ended. The worker goes on: it knows what was shown, which does not come again.
  rest(): void {
    this.#tell.clear();
  }

  close(): void {
    this.#worker.terminate();
    this.#tell.clear();
  }

  #attach(to: object, operation: TransformOptions['operation'], { senderId, source }: Of, codec: E2eeCodec): string {
    const streamKey = String(++this.#count);
    const { RTCRtpScriptTransform: Made } = globalThis as unknown as { RTCRtpScriptTransform: Transform };
    const options: TransformOptions = { operation, senderId, source, codec, secret: this.#secret, streamKey };
    (to as { transform: object }).transform = new Made(this.#worker, options);
    return streamKey;
  }
}
