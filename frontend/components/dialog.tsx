'use client';
import * as RadixDialog from '@radix-ui/react-dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useT } from '@/lib/i18n';

interface DialogProps {
  title: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  opener: string; // the id of what opens it, which gets the focus back
  children: ReactNode;
}

export function Dialog({ title, open, onOpenChange, opener, children }: DialogProps) {
  const t = useT();
  const giveBack = (event: Event) => {
    const element = document.getElementById(opener);
    if (element === null) return;
    event.preventDefault();
    element.focus();
  };
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="fixed inset-0 z-40 bg-black/60" />
        <RadixDialog.Content
          aria-describedby={undefined}
          onCloseAutoFocus={giveBack}
          className="fixed top-1/2 left-1/2 z-50 grid max-h-[90dvh] w-[min(28rem,calc(100vw-1.5rem))] -translate-1/2 gap-4 overflow-auto rounded-2xl bg-surface p-5 shadow-xl"
        >
          <div className="flex items-center justify-between">
            <RadixDialog.Title className="mr-3 text-lg font-semibold">{title}</RadixDialog.Title>
            <RadixDialog.Close asChild>
              <button
                type="button"
                aria-label={t('close')}
                className="inline-flex size-11 items-center justify-center rounded-full hover:bg-raised"
              >
                <X aria-hidden className="size-5" />
              </button>
            </RadixDialog.Close>
          </div>
          {children}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}
