import { render } from '@testing-library/react';
import { expect, test } from 'vitest';
import { useWakeLock } from '@/hooks/use-wake-lock';

function Lit() {
  useWakeLock();
  return null;
}
const settle = () => new Promise((resolve) => setTimeout(resolve));

test('the screen stays lit while a call is shown, also after the page was hidden', async () => {
  const log: string[] = [];
  let refuses = false;
  const request = async (what: string) => {
    if (refuses) throw new DOMException('the battery is low', 'NotAllowedError');
    log.push(what);
    return { release: async () => void log.push('released') };
  };
  Object.defineProperty(navigator, 'wakeLock', { configurable: true, value: { request } });
  const { unmount } = render(<Lit />);
  await settle();
  document.dispatchEvent(new Event('visibilitychange')); // the browser has let go of it meanwhile
  await settle();
  refuses = true;
  document.dispatchEvent(new Event('visibilitychange'));
  await settle();
  unmount();
  await settle();
  expect(log).toEqual(['screen', 'screen', 'released']);
});
