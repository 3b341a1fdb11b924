// What components use of a browser and jsdom has not.
import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

export const STAGE = { width: 1280, height: 640 };

class Tracks {
  constructor(readonly tracks: MediaStreamTrack[] = []) {}
  getTracks = () => this.tracks;
  getAudioTracks = () => this.tracks.filter(({ kind }) => kind === 'audio');
  getVideoTracks = () => this.tracks.filter(({ kind }) => kind === 'video');
}

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}

Object.assign(globalThis, { MediaStream: Tracks, ResizeObserver: Observer });
Object.assign(HTMLMediaElement.prototype, { play: async () => {}, pause: () => {} });
Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', { writable: true, value: null });
Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => STAGE.width });
Object.defineProperty(HTMLElement.prototype, 'clientHeight', { configurable: true, get: () => STAGE.height });

// A track whose events the test makes.
export const makeTrack = (kind: 'audio' | 'video' = 'video') =>
  Object.assign(new EventTarget(), {
    kind,
    id: `${kind}-${Math.random()}`,
    readyState: 'live',
    enabled: true,
    stop() {},
  }) as unknown as MediaStreamTrack;

afterEach(() => cleanup());
