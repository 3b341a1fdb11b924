'use client';
// The few building blocks that all parts of the page share.
import type { LucideIcon } from 'lucide-react';
import {
  createContext,
  useCallback,
  useContext,
  useId,
  type ComponentProps,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
} from 'react';
import { useT } from '@/lib/i18n';
import { tellFailure } from '@/lib/toaster';
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

// What a button's name appears in; null: the browser's own way, which costs the lobby nothing (tips.tsx has the other).
export interface TipProps {
  label: string;
  shortcut?: string;
  children: ReactElement;
}
export const TipContext = createContext<((props: TipProps) => ReactElement) | null>(null);

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
  const tip = useContext(TipContext);
  const button = (
    <button
      type="button"
      aria-label={label}
      aria-keyshortcuts={shortcut}
      title={tip ? undefined : label}
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
  );
  return tip ? tip({ label, shortcut, children: button }) : button;
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
  return useCallback(
    (action) => void action().catch((error: unknown) => tellFailure(errorWords(t, error)).catch(() => {})),
    [t],
  );
}
