import { useEffect } from 'react';
import { isOn, setMicrophone, setPanel, toggleCamera, toggleMicrophone } from '@/lib/room-actions';
import { toggleHand } from '@/lib/moderation-actions';
import { closePanel } from '@/components/side-panel';
import { useCall } from '@/lib/store';

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  target.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="menu"]') !== null;
const isPressable = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('button, a, summary') !== null;

// Keys of the call; none while typing, and the space bar stays a button's while one has the focus.
export function useKeyboard(run: (action: () => Promise<void>) => void): void {
  useEffect(() => {
    let talking = false;
    const down = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && useCall.getState().dialog === null) return closePanel();
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      switch (event.key.toLowerCase()) {
        case 'm':
          return run(toggleMicrophone);
        case 'v':
          return run(toggleCamera);
        case 'c':
          event.preventDefault(); // or the letter lands in the field that gets the focus
          return useCall.getState().panel === 'chat' ? closePanel() : setPanel('chat');
        case 'h':
          return run(toggleHand);
        case 's':
          return useCall.setState(({ stats }) => ({ stats: !stats }));
        case '?':
          return useCall.setState({ dialog: 'help' });
        case ' ':
          if (isPressable(event.target)) return;
          event.preventDefault();
          if (isOn('microphone')) return;
          talking = true;
          return run(() => setMicrophone(true));
      }
    };
    const stop = () => {
      if (!talking) return;
      talking = false;
      run(() => setMicrophone(false));
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
  }, [run]);
}
