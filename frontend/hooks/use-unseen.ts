import { useEffect, useState } from 'react';

const HIDDEN_PATIENCE_MS = 60_000;

// True once nobody has looked for a while: another tab is in front, and no picture-in-picture is open.
export function useUnseen(): boolean {
  const [unseen, setUnseen] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const changed = () => {
      clearTimeout(timer);
      if (document.hidden)
        timer = setTimeout(() => setUnseen(document.pictureInPictureElement == null), HIDDEN_PATIENCE_MS);
      else setUnseen(false);
    };
    document.addEventListener('visibilitychange', changed);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', changed);
    };
  }, []);
  return unseen;
}
