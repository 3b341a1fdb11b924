'use client';
// The few building blocks that all parts of the page share.
import * as RadixDialog from '@radix-ui/react-dialog';
import * as Tooltip from '@radix-ui/react-tooltip';
import { X, type LucideIcon } from 'lucide-react';
import { useCallback, useId, type ComponentProps, type MouseEvent, type ReactNode } from 'react';
import { toast } from 'sonner';
import { useT } from '@/lib/i18n';
import { errorWords } from '@/lib/words';

export const classes = (...names: (string | false | null | undefined)[]) => names.filter(Boolean).join(' ');

const LOOKS = {
  primary: 'bg-accent text-on-accent hover:opacity-90',
  plain: 'bg-raised text-text hover:opacity-80',
  danger: 'bg-danger text-white hover:opacity-90',
  ghost: 'text-text hover:bg-raised',
};

export function Button({
  look = 'plain',
  className,
  ...props
}: ComponentProps<'button'> & { look?: keyof typeof LOOKS }) {
  return (
    <button
      type="button"
      className={classes(
        'inline-flex min-h-11 items-center justify-center gap-2 rounded-xl px-4 font-medium disabled:opacity-50',
        LOOKS[look],
        className,
      )}
      {...props}
    />
  );
}

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'children'> {
  icon: LucideIcon;
  label: string;
  shortcut?: string;
  look?: keyof typeof LOOKS;
  badge?: number;
  small?: boolean;
}

export function IconButton({
  icon: Icon,
  label,
  shortcut,
  look = 'plain',
  badge = 0,
  small,
  onClick,
  className,
  ...props
}: IconButtonProps) {
  const clicked = (event: MouseEvent<HTMLButtonElement>) => {
    // A mouse leaves no focus behind, so that the space bar stays free to talk with.
    if (event.detail > 0) event.currentTarget.blur();
    onClick?.(event);
  };
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>
        <button
          type="button"
          aria-label={label}
          aria-keyshortcuts={shortcut}
          onClick={clicked}
          className={classes(
            'relative inline-flex shrink-0 items-center justify-center rounded-full disabled:opacity-40',
            small ? 'size-11 sm:size-9' : 'size-11 sm:size-12',
            LOOKS[look],
            className,
          )}
          {...props}
        >
          <Icon aria-hidden className={small ? 'size-4.5' : 'size-5'} />
          {badge > 0 && (
            <span
              aria-hidden
              className="absolute -top-1 -right-1 min-w-5 rounded-full bg-accent px-1 text-xs/5 font-bold text-on-accent"
            >
              {badge > 99 ? '99+' : badge}
            </span>
          )}
        </button>
      </Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content sideOffset={6} className="z-50 rounded-lg bg-text px-2 py-1 text-sm text-page">
          {label}
          {shortcut && <kbd className="ml-2 font-sans opacity-70">{shortcut}</kbd>}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

const FIELD =
  'min-h-11 w-full rounded-xl border border-field bg-surface px-3 text-text read-only:border-line read-only:bg-page';

// problem: what is wrong with what was typed, in words.
export function TextField({
  label,
  hint,
  problem,
  ...props
}: { label: string; hint?: string; problem?: string | null } & ComponentProps<'input'>) {
  const made = useId();
  const id = props.id ?? made;
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="text-sm text-faint">
        {label}
      </label>
      <input
        id={id}
        dir="auto"
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? `${id}-problem` : hint ? `${id}-hint` : undefined}
        className={FIELD}
        {...props}
      />
      {hint && !problem && (
        <p id={`${id}-hint`} className="text-sm text-faint">
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} role="alert" className="text-sm text-danger-text">
          {problem}
        </p>
      )}
    </div>
  );
}

export function Select({
  label,
  options,
  ...props
}: { label: string; options: { value: string; text: string }[] } & ComponentProps<'select'>) {
  const id = useId();
  return (
    <div className="grid min-w-0 gap-1">
      <label htmlFor={id} className="text-sm text-faint">
        {label}
      </label>
      <select id={id} className={FIELD} {...props}>
        {options.map(({ value, text }) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Checkbox({ label, ...props }: { label: string } & ComponentProps<'input'>) {
  return (
    <label className="flex min-h-11 cursor-pointer items-center gap-3 sm:min-h-8">
      <input type="checkbox" className="size-5 accent-accent" {...props} />
      {label}
    </label>
  );
}

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

export function Banner({ children, tone = 'plain' }: { children: ReactNode; tone?: 'plain' | 'danger' }) {
  return (
    <div
      className={classes(
        'flex flex-wrap items-center justify-center gap-x-4 gap-y-2 rounded-xl border bg-surface px-4 py-2 text-center text-sm shadow',
        tone === 'danger' ? 'border-danger-text' : 'border-line',
      )}
    >
      {children}
    </div>
  );
}

// Runs what a button does; a failure is told in a toast.
export function useAttempt(): (action: () => Promise<void>) => void {
  const t = useT();
  return useCallback((action) => void action().catch((error: unknown) => toast.error(errorWords(t, error))), [t]);
}
