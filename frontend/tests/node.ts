// What browsers have and Node 18, which Debian 12 brings, keeps to itself: Web Crypto as a global. jsdom's own lacks most.
import { webcrypto } from 'node:crypto';

if (globalThis.crypto?.subtle === undefined)
  Object.defineProperty(globalThis, 'crypto', { configurable: true, value: webcrypto });
