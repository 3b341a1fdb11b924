'use client';
// A button with a list of things to do: by mouse, by arrow keys, and for screen readers (the ARIA menu button pattern).
import type { LucideIcon } from 'lucide-react';
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { classes, IconButton } from './ui';

export interface MenuItem {
  id: string;
  label: string;
  icon?: LucideIcon;
  text?: string; // in place of an icon: what it shows; the label is read
  danger?: boolean;
  onSelect: () => void;
}

interface MenuProps {
  id?: string;
  icon: LucideIcon;
  label: string;
  items: MenuItem[];
  small?: boolean;
  row?: boolean; // side by side
  above?: boolean; // opens upwards
}

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at + count - 1) % count,
  ArrowLeft: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export function Menu({ id, icon, label, items, small, row, above }: MenuProps) {
  const made = useId();
  const listId = `${id ?? made}-menu`;
  const [open, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const entries = () => [...(frame.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])];
  const close = ({ giveBack = true } = {}) => {
    setOpen(false);
    if (giveBack) frame.current?.querySelector<HTMLElement>('[aria-haspopup]')?.focus();
  };
  useEffect(() => {
    if (!open) return;
    frame.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
    const outside = (event: PointerEvent) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    window.addEventListener('pointerdown', outside);
    return () => window.removeEventListener('pointerdown', outside);
  }, [open]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    if (event.key === 'Tab') return close({ giveBack: false });
    const step = STEPS[event.key];
    if (event.key !== 'Escape' && !step) return;
    event.preventDefault();
    event.stopPropagation(); // Escape closes this, and not the panel around it
    if (event.key === 'Escape') return close();
    const all = entries();
    all[step!(all.indexOf(document.activeElement as HTMLElement), all.length)]?.focus();
  };
  return (
    <div ref={frame} className="relative shrink-0" onKeyDown={onKeyDown}>
      <IconButton
        id={id}
        small={small}
        look={open ? 'primary' : small ? 'ghost' : 'plain'}
        icon={icon}
        label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? listId : undefined}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <div
          id={listId}
          role="menu"
          aria-label={label}
          aria-orientation={row ? 'horizontal' : 'vertical'}
          className={classes(
            'absolute z-50 rounded-xl border border-line bg-surface p-1 shadow-xl',
            row ? 'left-1/2 flex -translate-x-1/2' : 'right-0 grid w-60 max-w-[80vw]',
            above ? 'bottom-full mb-2' : 'top-full mt-1',
          )}
        >
          {items.map(({ id: item, label: words, icon: Icon, text, danger, onSelect }) => (
            <button
              key={item}
              type="button"
              role="menuitem"
              tabIndex={-1}
              aria-label={text ? words : undefined}
              data-item={item}
              onClick={() => {
                close();
                onSelect();
              }}
              className={classes(
                'flex min-h-11 items-center gap-3 rounded-lg px-3 text-left hover:bg-raised focus:bg-raised',
                danger && 'text-danger-text',
                text && 'justify-center text-2xl',
              )}
            >
              {Icon && <Icon aria-hidden className="size-4.5 shrink-0" />}
              {text ? <span aria-hidden>{text}</span> : words}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
