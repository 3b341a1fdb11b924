// What the browser remembers of this person.
import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { Language } from './i18n';

export interface Preferences {
  name: string;
  microphoneId: string;
  cameraId: string;
  speakerId: string;
  microphoneOn: boolean;
  cameraOn: boolean;
  noiseSuppression: boolean;
  echoCancellation: boolean;
  blur: boolean; // what is behind one is out of focus
  pictures: 'all' | 'speaker' | 'none'; // which pictures of the others are received: the rest saves data
  lastN: number | null; // video of so many who spoke last; 0: of everybody; null: what the room gives
  loudestN: number | null; // sound of so many loudest
  language: Language | 'auto';
  theme: 'auto' | 'light' | 'dark';
}

export const usePreferences = create<Preferences>()(
  persist(
    (): Preferences => ({
      name: '',
      microphoneId: '',
      cameraId: '',
      speakerId: '',
      microphoneOn: true,
      cameraOn: true,
      noiseSuppression: true,
      echoCancellation: true,
      blur: false,
      pictures: 'all',
      lastN: null,
      loudestN: null,
      language: 'auto',
      theme: 'auto',
    }),
    { name: 'rotunda', skipHydration: true },
  ),
);
