// The worker through which every frame goes. It runs in a thread of its own; the page never sees a frame, and what fails here
// is not sent and not shown.
import {
  FrameDecryptor,
  FrameEncryptor,
  ReceivedStreams,
  type E2eeCodec,
  type Refusal,
  type StreamOwner,
} from './frame.ts';

// What a transform is made with; see Encryption in encryption.ts.
export interface TransformOptions extends StreamOwner {
  operation: 'encrypt' | 'decrypt';
  codec: E2eeCodec;
  secret: CryptoKey;
  streamKey: string; // by which the page knows it again
}

// What the worker says: once, that it is there; and of a stream that is received, null: all is well.
export interface StreamNews {
  streamKey: string;
  refusal: Refusal | null;
}
export type WorkerNews = 'ready' | StreamNews;

interface EncodedFrame {
  data: ArrayBuffer;
}

interface Transformer {
  readable: ReadableStream<EncodedFrame>;
  writable: WritableStream<EncodedFrame>;
  options: TransformOptions;
}

const REFUSED_ENOUGH = 3; // in a row: one alone may be a frame that was cut short
const scope = globalThis as unknown as {
  onrtctransform: (event: { transformer: Transformer }) => void;
  postMessage: (news: WorkerNews) => void;
};

function encrypting({ secret, codec, ...owner }: TransformOptions) {
  const encryptor = new FrameEncryptor(secret, owner, codec);
  return async (frame: EncodedFrame): Promise<boolean> => {
    if (frame.data.byteLength === 0) return false; // nothing to be said, and so nothing to be sent
    frame.data = (await encryptor.encrypt(new Uint8Array(frame.data))).buffer;
    return true;
  };
}

// Of a stay in a room, which has one secret: by sender and source.
const received = new Map<string, ReceivedStreams>();

function receivedOf({ senderId, source }: StreamOwner): ReceivedStreams {
  const name = JSON.stringify([senderId, source]);
  const streams = received.get(name) ?? new ReceivedStreams();
  received.set(name, streams);
  return streams;
}

function decrypting({ secret, codec, streamKey, ...owner }: TransformOptions) {
  const decryptor = new FrameDecryptor(secret, owner, codec, receivedOf(owner));
  let told: Refusal | null | undefined;
  let refused = 0;
  const tell = (refusal: Refusal | null) => {
    if (refusal === told) return;
    told = refusal;
    scope.postMessage({ streamKey, refusal });
  };
  return async (frame: EncodedFrame): Promise<boolean> => {
    if (frame.data.byteLength === 0) return false;
    const opened = await decryptor.decrypt(new Uint8Array(frame.data));
    if (typeof opened !== 'string') {
      refused = 0;
      tell(null);
      frame.data = opened.buffer;
      return true;
    }
    if (opened !== 'replayed' && ++refused >= REFUSED_ENOUGH) tell(opened);
    return false;
  };
}

scope.onrtctransform = ({ transformer: { readable, writable, options } }) => {
  const work = options.operation === 'encrypt' ? encrypting(options) : decrypting(options);
  const through = new TransformStream<EncodedFrame, EncodedFrame>({
    transform: async (frame, controller) => {
      if (await work(frame).catch(() => false)) controller.enqueue(frame);
    },
  });
  void readable
    .pipeThrough(through)
    .pipeTo(writable)
    .catch(() => {}) // its sender or receiver is gone
    .then(() => options.operation === 'decrypt' && receivedOf(options).rest());
};

scope.postMessage('ready'); // frames have their way from here on
