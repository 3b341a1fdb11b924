// Data channels of a room that is encrypted from end to end: messages, sealed under keys that are made of the room's.
//
// A sealed message: version (1), salt (16), counter (8), ciphertext, tag (16); inside it a byte that says whether it is a
// text, then the message. Whoever sends by a channel has a key for that, HKDF-SHA-256 of the secret with the salt and a label
// that names sender and channel, so that a server cannot pass one person's messages for another's; the counter is the nonce.
// In a room's channel messages do not name their senders, and neither does the label.
import { deriveKeyOf, importSecret } from './frame.ts';
import { keyBytesOf } from './key.ts';

const VERSION = 1;
const SALT_BYTES = 16;
const COUNTER_BYTES = 8;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + SALT_BYTES + COUNTER_BYTES;
const BEHIND_MAX = 1024; // messages may overtake each other by so many
const STREAMS_MAX = 1024; // that are remembered
const TEXT = 1;

export type Message = string | ArrayBuffer;
// Why a message is not shown: it is no sealed one; it was not sealed so by this sender for this channel with this key; it has
// come before.
export type DataRefusal = 'not-encrypted' | 'wrong-key' | 'replayed';
export type Opened = { data: Message } | { refusal: DataRefusal };
export type Sendable = string | Blob | ArrayBuffer | ArrayBufferView;

export interface ChannelOwner {
  senderId: string; // '': it is a room's channel
  label: string;
}

interface Stream {
  key: Promise<CryptoKey>;
  seen: Set<bigint>;
  highest: bigint;
}

const utf8 = new TextEncoder();

// At once: whoever sends a buffer may fill it with something else afterwards.
function copyOf(data: Sendable): Promise<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> {
  if (typeof data === 'string') return utf8.encode(data) as Uint8Array<ArrayBuffer>;
  if (data instanceof Blob) return data.arrayBuffer().then((bytes) => new Uint8Array(bytes));
  const view = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data;
  return new Uint8Array(view).slice();
}

// The counter says where it was sent, the salt by whom: both belong to what is authentic.
const algorithm = (head: Uint8Array<ArrayBuffer>) => {
  const iv = new Uint8Array(12);
  iv.set(head.subarray(1 + SALT_BYTES), 4);
  return { name: 'AES-GCM', iv, additionalData: head };
};

export class DataSeal {
  #secret: CryptoKey;
  #streams = new Map<string, Stream>(); // that were received, the latest last

  static async of(key: string): Promise<DataSeal> {
    return new DataSeal(await importSecret(keyBytesOf(key)));
  }

  private constructor(secret: CryptoKey) {
    this.#secret = secret;
  }

  // What seals for one channel, message by message.
  sealing(owner: ChannelOwner): (data: Sendable) => Promise<Uint8Array<ArrayBuffer>> {
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const key = this.#keyOf(salt, owner);
    let count = 0n;
    return async (data) => {
      const head = new Uint8Array(HEAD_BYTES);
      head[0] = VERSION;
      head.set(salt, 1);
      new DataView(head.buffer).setBigUint64(1 + SALT_BYTES, count++);
      const copy = copyOf(data);
      const bytes = copy instanceof Promise ? await copy : copy;
      const clear = new Uint8Array(1 + bytes.length);
      clear[0] = typeof data === 'string' ? TEXT : 0;
      clear.set(bytes, 1);
      const body = await crypto.subtle.encrypt(algorithm(head), await key, clear);
      const whole = new Uint8Array(HEAD_BYTES + body.byteLength);
      whole.set(head);
      whole.set(new Uint8Array(body), HEAD_BYTES);
      return whole;
    };
  }

  async open(sealed: Message, owner: ChannelOwner): Promise<Opened> {
    if (typeof sealed === 'string' || sealed.byteLength < HEAD_BYTES + TAG_BYTES + 1)
      return { refusal: 'not-encrypted' };
    const head = new Uint8Array(sealed.slice(0, HEAD_BYTES));
    if (head[0] !== VERSION) return { refusal: 'not-encrypted' };
    const name = `${head.slice(1, 1 + SALT_BYTES).join()} ${owner.senderId} ${owner.label}`;
    const stream = this.#streams.get(name) ?? {
      key: this.#keyOf(head.slice(1, 1 + SALT_BYTES), owner),
      seen: new Set<bigint>(),
      highest: -1n,
    };
    try {
      const bytes = await crypto.subtle.decrypt(algorithm(head), await stream.key, sealed.slice(HEAD_BYTES));
      const counter = new DataView(head.buffer).getBigUint64(1 + SALT_BYTES);
      if (!this.#isNew(name, stream, counter)) return { refusal: 'replayed' };
      const text = new Uint8Array(bytes)[0] === TEXT;
      return { data: text ? new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice(1)) : bytes.slice(1) };
    } catch {
      return { refusal: 'wrong-key' };
    }
  }

  // Of what is authentic; only that is remembered.
  #isNew(name: string, stream: Stream, counter: bigint): boolean {
    if (counter + BigInt(BEHIND_MAX) <= stream.highest || stream.seen.has(counter)) return false;
    stream.seen.add(counter);
    if (counter > stream.highest) stream.highest = counter;
    if (stream.seen.size > 2 * BEHIND_MAX)
      for (const one of stream.seen) if (one + BigInt(BEHIND_MAX) <= stream.highest) stream.seen.delete(one);
    this.#streams.delete(name);
    this.#streams.set(name, stream);
    if (this.#streams.size > STREAMS_MAX) this.#streams.delete(this.#streams.keys().next().value!);
    return true;
  }

  #keyOf(salt: Uint8Array<ArrayBuffer>, { senderId, label }: ChannelOwner): Promise<CryptoKey> {
    return deriveKeyOf(this.#secret, salt, 'rotunda e2ee data 1', senderId, label);
  }
}
