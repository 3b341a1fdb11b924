// The key of a room that is encrypted from end to end, as a link has it; and whether this browser can.
export const KEY_BYTES = 16;
const PATTERN = /^(?:[\w-]{4})*[\w-]{2,4}$/; // base64url
const CHARS = { least: 22, most: 86 }; // 16 to 64 bytes

export const toBase64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

// 128 bits that nobody guesses, for the fragment of a link.
export const e2eeKey = (): string => toBase64url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));

export const isE2eeKey = (text: string): boolean =>
  text.length >= CHARS.least && text.length <= CHARS.most && PATTERN.test(text);

// Throws where it is none.
export const ofBase64url = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));

export const keyBytesOf = ofBase64url;

// Encoded transforms in a worker (Chromium 141, Firefox 117, Safari 15.4), and a page of https or localhost.
export const e2eeSupported = (): boolean =>
  'RTCRtpScriptTransform' in globalThis && globalThis.crypto?.subtle !== undefined;
