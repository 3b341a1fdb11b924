// The chat of a room that is encrypted from end to end: texts, sealed under keys that are made of the room's.
//
// A sealed text: the prefix, then base64url of a salt (16 bytes), ciphertext, tag (16). Each has a key of its own, HKDF-SHA-256
// of the secret with the salt and a label that names the sender, so that a server cannot pass one person's words for another's.
import { deriveKeyOf, importSecret } from './frame.ts';
import { keyBytesOf, ofBase64url, toBase64url } from './key.ts';

const PREFIX = 'rotunda-e2ee-1:';
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const NONCE = new Uint8Array(12); // a key encrypts one text

export const isSealedText = (text: string): boolean => text.startsWith(PREFIX);

export interface OpenedText {
  id: string; // of this text alone: the same one again is a copy
  text: string;
}

export class ChatSeal {
  #secret: CryptoKey;

  static async of(key: string): Promise<ChatSeal> {
    return new ChatSeal(await importSecret(keyBytesOf(key)));
  }

  private constructor(secret: CryptoKey) {
    this.#secret = secret;
  }

  async seal(text: string, senderId: string): Promise<{ id: string; sealed: string }> {
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const key = await this.#keyOf(salt, senderId);
    const body = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: NONCE }, key, new TextEncoder().encode(text));
    const whole = new Uint8Array(SALT_BYTES + body.byteLength);
    whole.set(salt);
    whole.set(new Uint8Array(body), SALT_BYTES);
    return { id: toBase64url(salt), sealed: PREFIX + toBase64url(whole) };
  }

  // null: it was not sealed so by this sender with this key.
  async open(sealed: string, senderId: string): Promise<OpenedText | null> {
    try {
      const whole = ofBase64url(sealed.slice(PREFIX.length));
      if (!isSealedText(sealed) || whole.length < SALT_BYTES + TAG_BYTES) return null;
      const salt = whole.slice(0, SALT_BYTES);
      const key = await this.#keyOf(salt, senderId);
      const bytes = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: NONCE }, key, whole.slice(SALT_BYTES));
      return { id: toBase64url(salt), text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } catch {
      return null;
    }
  }

  #keyOf(salt: Uint8Array<ArrayBuffer>, senderId: string): Promise<CryptoKey> {
    return deriveKeyOf(this.#secret, salt, 'rotunda e2ee chat 1', senderId);
  }
}
