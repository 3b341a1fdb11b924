import { useEffect } from 'react';
import { useCallActions, useCallStore, useModeration } from '@/hooks/use-call';

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  target.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="menu"]') !== null;
const isPressable = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('button, a, summary') !== null;

// Keys of the call; none while typing, and the space bar stays a button's while one has the focus.
export function useKeyboard(run: (action: () => Promise<void>) => void): void {
  const store = useCallStore();
  const { closePanel, isOn, setMicrophone, setPanel, toggleCamera, toggleMicrophone } = useCallActions();
  const { toggleHand } = useModeration();
  useEffect(() => {
    let talking = false;
    const down = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && store.getState().dialog === null) return closePanel();
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      switch (event.key.toLowerCase()) {
        case 'm':
          return run(toggleMicrophone);
        case 'v':
          return run(toggleCamera);
        case 'c':
          event.preventDefault(); // or the letter lands in the field that gets the focus
          return store.getState().panel === 'chat' ? closePanel() : setPanel('chat');
        case 'h':
          return run(toggleHand);
        case 's':
          return store.setState(({ stats }) => ({ stats: !stats }));
        case '?':
          return store.setState({ dialog: 'help' });
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
  }, [run, store, closePanel, isOn, setMicrophone, setPanel, toggleCamera, toggleMicrophone, toggleHand]);
}
