'use client';
// Names of buttons beside them, with their keys. Not in the lobby, which is to be there at once.
import * as Tooltip from '@radix-ui/react-tooltip';
import type { ReactNode } from 'react';
import { TipContext, type TipProps } from './ui';

const tip = ({ label, shortcut, children }: TipProps) => (
  <Tooltip.Root>
    <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
    <Tooltip.Portal>
      <Tooltip.Content sideOffset={6} className="z-50 rounded-lg bg-text px-2 py-1 text-sm text-page">
        {label}
        {shortcut && <kbd className="ml-2 font-sans opacity-70">{shortcut}</kbd>}
      </Tooltip.Content>
    </Tooltip.Portal>
  </Tooltip.Root>
);

export function Tips({ children }: { children: ReactNode }) {
  return (
    <TipContext.Provider value={tip}>
      <Tooltip.Provider delayDuration={300}>{children}</Tooltip.Provider>
    </TipContext.Provider>
  );
}
