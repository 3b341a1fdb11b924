import { useEffect } from 'react';
import { useCallStore } from '@/hooks/use-call';

const MARK = 'rotunda-call';
let shown = 0; // how many calls are shown: React may take one away and put it back at once
const onTop = () => (history.state as Record<string, unknown> | null)?.[MARK] === true;

// The back button closes what is open, and asks before it leaves the call: an entry of the history lies on top for it.
export function useBackButton(): void {
  const store = useCallStore();
  useEffect(() => {
    const cover = () => {
      if (!onTop()) history.pushState({ ...(history.state as object), [MARK]: true }, '');
    };
    const back = () => {
      const { dialog, panel } = store.getState();
      if (dialog === 'leave') return store.setState({ dialog: null }); // and the next one leaves
      cover();
      if (dialog !== null) store.setState({ dialog: null });
      else if (panel !== null) store.setState({ panel: null });
      else store.setState({ dialog: 'leave' });
    };
    shown++;
    cover();
    window.addEventListener('popstate', back);
    return () => {
      window.removeEventListener('popstate', back);
      shown--;
      setTimeout(() => shown === 0 && onTop() && history.back());
    };
  }, [store]);
}
