// End-to-end encryption of one media stream, frame by frame: what a frame looks like on the wire, keys and nonces, replays.
// Pure but for WebCrypto: no page, no worker, no RTCPeerConnection. docs/adr/0017-end-to-end-encryption.md says why.
//
// On the wire: clear bytes, ciphertext, tag (16), stream id (8), counter (4), number of clear bytes (1), version (1).
// Everything but ciphertext and tag is authenticated beside them.

export type E2eeCodec = 'opus' | 'vp8' | 'av1';

// Whose frames these are: bound to the key, so that a server cannot pass one person's for another's, or a screen for a camera.
export interface StreamOwner {
  senderId: string;
  source: string;
}

const VERSION = 1;
const ID_BYTES = 8;
const COUNTER_BYTES = 4;
const TAG_BYTES = 16;
export const TRAILER_BYTES = ID_BYTES + COUNTER_BYTES + 2;
export const COUNTER_MAX = 2 ** 32 - 1;
const KEY_BYTES_LEAST = 16;
const REPLAY_WINDOW = 1024; // frames may overtake each other by so many
const STREAMS_MAX = 8; // of one sender that a receiver remembers: each restart of the sender makes a new one

const utf8 = new TextEncoder();

// The secret as WebCrypto has it: nobody can read it back.
export async function importSecret(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  if (secret.length < KEY_BYTES_LEAST) throw new RangeError(`A key has ${KEY_BYTES_LEAST} bytes or more.`);
  return crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
}

// Fields that cannot run into each other: each with its length before it.
export function labelOf(...texts: string[]): Uint8Array<ArrayBuffer> {
  const parts = texts.map((text) => utf8.encode(text));
  return Uint8Array.from(parts.flatMap((part) => [part.length >> 8, part.length & 255, ...part]));
}

// The key for what the label names: nobody has another with the same salt.
export function deriveKeyOf(secret: CryptoKey, salt: Uint8Array<ArrayBuffer>, ...label: string[]): Promise<CryptoKey> {
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt, info: labelOf(...label) },
    secret,
    { name: 'AES-GCM', length: 128 },
    false,
    ['encrypt', 'decrypt'],
  );
}

export async function deriveStreamKey(
  secret: CryptoKey,
  { senderId, source }: StreamOwner,
  streamId: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> {
  return deriveKeyOf(secret, streamId, 'rotunda e2ee 1', senderId, source);
}

// Of a stream whose key is its own the counter alone makes a nonce.
function nonceOf(counter: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, counter);
  return nonce;
}

// ---- what stays readable: what the server and the browsers' packetizers look at

// VP8 (RFC 6386, section 9.1): three bytes, of which the first says whether it is a key frame, and of a key frame its size.
const vp8ClearBytes = (frame: Uint8Array): number => ((frame[0]! & 1) === 0 ? 10 : 3);

export function clearBytesOf(codec: E2eeCodec, frame: Uint8Array): number {
  const bytes = codec === 'opus' ? 1 : codec === 'vp8' ? vp8ClearBytes(frame) : 0;
  return Math.min(bytes, frame.length);
}

// A browser cuts AV1 frames into packets by their OBUs (AV1 specification, section 5.3), and servers that are told nothing by a
// dependency descriptor look at the heads of these. So an encrypted frame goes as one OBU of the type of metadata, which
// decoders leave out, with the layer that its own OBUs name. A copy of the sequence header goes before it, which makes it a
// key frame to whoever looks; what is decoded is the one inside. On their way OBUs may get, or lose, the field of their size.
const OBU_SEQUENCE_HEADER = 1;
const OBU_FRAME_HEADER = 3;
const OBU_METADATA = 5;
const OBU_FRAME = 6;
const OBU_HAS_EXTENSION = 4;
const OBU_HAS_SIZE = 2;

interface Obu {
  type: number;
  extension: number | null; // temporal and spatial layer
  payload: Uint8Array<ArrayBuffer>;
}

function sizeOf(length: number): number[] {
  const size: number[] = [];
  for (let left = length; ; left >>>= 7) {
    size.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) return size;
  }
}

// null: it is no sequence of OBUs.
export function obusOf(data: Uint8Array<ArrayBuffer>): Obu[] | null {
  const obus: Obu[] = [];
  let at = 0;
  while (at < data.length) {
    const head = data[at++]!;
    const extension = head & OBU_HAS_EXTENSION ? data[at++] : null;
    let size = data.length - at; // the last one may go without
    if (head & OBU_HAS_SIZE) {
      size = 0;
      for (let i = 0, more = true; more; i++) {
        const byte = data[at++];
        if (byte === undefined || i === 4) return null;
        size |= (byte & 127) << (7 * i);
        more = byte > 127;
      }
    }
    if (head & 128 || extension === undefined || at + size > data.length) return null;
    obus.push({ type: (head >> 3) & 15, extension, payload: data.subarray(at, at + size) });
    at += size;
  }
  return obus;
}

function obu({ type, extension, payload }: Obu): Uint8Array<ArrayBuffer> {
  const more = extension === null ? [] : [extension];
  const head = (type << 3) | (extension === null ? 0 : OBU_HAS_EXTENSION) | OBU_HAS_SIZE;
  return join(Uint8Array.from([head, ...more, ...sizeOf(payload.length)]), payload);
}

export function wrapAv1(frame: Uint8Array<ArrayBuffer>, sealed: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const obus = obusOf(frame) ?? [];
  const sequence = obus.find(({ type }) => type === OBU_SEQUENCE_HEADER);
  const extension = obus.find(({ type }) => type === OBU_FRAME || type === OBU_FRAME_HEADER)?.extension ?? null;
  const envelope = obu({ type: OBU_METADATA, extension, payload: sealed });
  return sequence ? join(obu(sequence), envelope) : envelope;
}

export const unwrapAv1 = (data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null =>
  obusOf(data)?.findLast(({ type }) => type === OBU_METADATA)?.payload ?? null;

// ---- sending

export class FrameEncryptor {
  #secret: CryptoKey;
  #owner: StreamOwner;
  #codec: E2eeCodec;
  #stream: { id: Uint8Array<ArrayBuffer>; key: Promise<CryptoKey>; counter: number };

  // Each encryptor begins a stream of its own, with a random id and so with a key that was never used: whatever is restarted,
  // no nonce is used twice.
  constructor(secret: CryptoKey, owner: StreamOwner, codec: E2eeCodec, firstCounter = 0) {
    this.#secret = secret;
    this.#owner = owner;
    this.#codec = codec;
    this.#stream = this.#begin(firstCounter);
  }

  #begin(counter: number) {
    const id = crypto.getRandomValues(new Uint8Array(ID_BYTES));
    return { id, key: deriveStreamKey(this.#secret, this.#owner, id), counter };
  }

  // The counter is taken before anything is waited for, so two frames at once have two.
  async encrypt(frame: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#stream.counter > COUNTER_MAX) this.#stream = this.#begin(0);
    const stream = this.#stream;
    const counter = stream.counter++;
    const clear = clearBytesOf(this.#codec, frame);
    const trailer = new Uint8Array(TRAILER_BYTES);
    trailer.set(stream.id);
    new DataView(trailer.buffer).setUint32(ID_BYTES, counter);
    trailer.set([clear, VERSION], ID_BYTES + COUNTER_BYTES);
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonceOf(counter), additionalData: join(frame.subarray(0, clear), trailer) },
      await stream.key,
      frame.subarray(clear),
    );
    const whole = join(frame.subarray(0, clear), new Uint8Array(sealed), trailer);
    return this.#codec === 'av1' ? wrapAv1(frame, whole) : whole;
  }
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

// ---- receiving

// Which counters were there: each once.
export class ReplayWindow {
  #highest = -1;
  #closed = -1; // up to here nothing is taken any more
  #seen = new Set<number>();

  has(counter: number): boolean {
    return counter <= this.#closed || counter <= this.#highest - REPLAY_WINDOW || this.#seen.has(counter);
  }

  // Takes no more of what is older than the newest, and so needs no list of it.
  close(): void {
    this.#closed = this.#highest;
    this.#seen.clear();
  }

  add(counter: number): void {
    this.#seen.add(counter);
    if (counter <= this.#highest) return;
    this.#highest = counter;
    if (this.#seen.size <= 2 * REPLAY_WINDOW) return;
    for (const old of this.#seen) if (old <= this.#highest - REPLAY_WINDOW) this.#seen.delete(old);
  }
}

// not-encrypted: it has no form of ours; wrong-key: it was made with another key, by or for somebody else, or changed on its
// way; replayed: it was here before.
export type Refusal = 'not-encrypted' | 'wrong-key' | 'replayed';

interface ProvenStream {
  key: Promise<CryptoKey>;
  replay: ReplayWindow;
}

// What was received of one sender's source. It outlives receivers: a server makes them anew as it likes, and is not to show
// once more by that what was shown.
export class ReceivedStreams {
  #streams = new Map<string, ProvenStream>(); // by id, in their order
  #ended: string[] = []; // ids of streams that are forgotten: they do not come back

  hasEnded(name: string): boolean {
    return this.#ended.includes(name);
  }

  get(name: string): ProvenStream | undefined {
    return this.#streams.get(name);
  }

  add(name: string, stream: ProvenStream): ProvenStream {
    this.#streams.set(name, stream);
    if (this.#streams.size > STREAMS_MAX) {
      const [oldest] = this.#streams.keys();
      this.#streams.delete(oldest!);
      this.#ended.push(oldest!);
      if (this.#ended.length > 4096) this.#ended.shift();
    }
    return stream;
  }

  // A receiver has ended.
  rest(): void {
    for (const { replay } of this.#streams.values()) replay.close();
  }
}

export class FrameDecryptor {
  #secret: CryptoKey;
  #owner: StreamOwner;
  #codec: E2eeCodec;
  #received: ReceivedStreams;

  // received: of the same secret and owner.
  constructor(secret: CryptoKey, owner: StreamOwner, codec: E2eeCodec, received = new ReceivedStreams()) {
    this.#secret = secret;
    this.#owner = owner;
    this.#codec = codec;
    this.#received = received;
  }

  // The frame as it was, or why it is refused. Nothing is remembered of what was not authentic.
  async decrypt(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | Refusal> {
    const whole = this.#codec === 'av1' ? unwrapAv1(data) : data;
    if (whole === null || whole.length < TRAILER_BYTES + TAG_BYTES) return 'not-encrypted';
    const trailer = whole.subarray(whole.length - TRAILER_BYTES);
    const [clear, version] = trailer.subarray(ID_BYTES + COUNTER_BYTES) as unknown as [number, number];
    if (version !== VERSION || clear > whole.length - TRAILER_BYTES - TAG_BYTES) return 'not-encrypted';
    const id = trailer.slice(0, ID_BYTES);
    const name = String(id);
    const counter = new DataView(trailer.buffer, trailer.byteOffset).getUint32(ID_BYTES);
    if (this.#received.hasEnded(name)) return 'replayed';
    const known = this.#received.get(name);
    if (known?.replay.has(counter)) return 'replayed';
    const stream = known ?? { key: deriveStreamKey(this.#secret, this.#owner, id), replay: new ReplayWindow() };
    const sealed = whole.subarray(clear, whole.length - TRAILER_BYTES);
    const additionalData = join(whole.subarray(0, clear), trailer);
    let opened: ArrayBuffer;
    try {
      opened = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv: nonceOf(counter), additionalData },
        await stream.key,
        sealed,
      );
    } catch {
      return 'wrong-key';
    }
    // The same one may have been opened meanwhile.
    const now = this.#received.get(name) ?? this.#received.add(name, stream);
    if (now.replay.has(counter)) return 'replayed';
    now.replay.add(counter);
    return join(whole.subarray(0, clear), new Uint8Array(opened));
  }
}
