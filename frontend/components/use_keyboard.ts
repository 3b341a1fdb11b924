import { useEffect, useRef } from 'react';
import { isOn, setMicrophone, setPanel, toggleCamera, toggleMicrophone } from '@/lib/room_actions';
import { useCall } from '@/lib/store';

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], [role="dialog"]') !== null;
const isPressable = (target: EventTarget | null) => target instanceof HTMLElement && target.closest('button, a, summary') !== null;

// Keys of the call; none while typing, and the space bar stays a button's while one has the focus.
export function useKeyboard(attempt: (action: () => Promise<void>) => void, onHelp: () => void): void {
  const talking = useRef(false);
  const latest = useRef({ attempt, onHelp });
  latest.current = { attempt, onHelp };
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const run = (action: () => Promise<void>) => latest.current.attempt(action);
      switch (event.key.toLowerCase()) {
        case 'm':
          return run(toggleMicrophone);
        case 'v':
          return run(toggleCamera);
        case 'c':
          event.preventDefault(); // or the letter lands in the field that gets the focus
          return setPanel(useCall.getState().panel === 'chat' ? null : 'chat');
        case 's':
          return useCall.setState(({ stats }) => ({ stats: !stats }));
        case '?':
          return latest.current.onHelp();
        case ' ':
          if (isPressable(event.target)) return;
          event.preventDefault();
          if (isOn('microphone')) return;
          talking.current = true;
          return run(() => setMicrophone(true));
      }
    };
    const stop = () => {
      if (!talking.current) return;
      talking.current = false;
      latest.current.attempt(() => setMicrophone(false));
    };
    const up = (event: KeyboardEvent) => event.key === ' ' && stop();
    window.addEventListener('keydown', down);
    window.addEventListener('keyup', up);
    window.addEventListener('blur', stop);
    return () => {
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', up);
      window.removeEventListener('blur', stop);
    };
  }, []);
}
