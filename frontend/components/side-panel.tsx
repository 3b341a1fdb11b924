'use client';
// Beside the call, or below it on a phone: the chat, or who is here.
import { Send, X } from 'lucide-react';
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { toast } from 'sonner';
import { useLanguage, useT } from '@/lib/i18n';
import { linksIn } from '@/lib/links';
import { useCall, useCallActions } from '@/hooks/use-call';
import { useChat, useParticipantCount, useRoom } from '@rotunda/react';
import { People } from './people-panel';
import { IconButton } from './ui';

const CHAT_CHARS_MAX = 2000;

function Panel({ title, children }: { title: string; children: ReactNode }) {
  const t = useT();
  const { closePanel } = useCallActions();
  return (
    <aside
      aria-label={title}
      className="flex w-80 shrink-0 flex-col rounded-xl border border-line bg-surface p-3 max-md:landscape:w-72 max-md:portrait:h-1/2 max-md:portrait:min-h-52 max-md:portrait:w-full"
    >
      <div className="flex items-center justify-between pb-2">
        <h2 className="font-semibold">{title}</h2>
        <IconButton small look="ghost" icon={X} label={t('close')} onClick={closePanel} />
      </div>
      {children}
    </aside>
  );
}

// What was said, with its links as links. They lead to strangers: who follows one is not told where from.
function Said({ text }: { text: string }) {
  return (
    <p dir="auto" className="break-words whitespace-pre-wrap">
      {linksIn(text).map(({ text: part, href }, i) =>
        href === null ? (
          part
        ) : (
          <a key={i} href={href} target="_blank" rel="noopener noreferrer nofollow" className="text-accent underline">
            {part}
          </a>
        ),
      )}
    </p>
  );
}

function ChatPanel() {
  const t = useT();
  const language = useLanguage((state) => state.language);
  const { messages, send } = useChat();
  const room = useRoom();
  const [text, setText] = useState('');
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [messages]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const said = text.trim();
    if (said === '') return;
    setText('');
    send(said).catch(() => {
      setText(said);
      toast.error(t('chat.failed'));
    });
  };
  const time = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
  return (
    <Panel title={t('chat.title')}>
      <ol
        ref={list}
        tabIndex={0}
        aria-label={t('chat.title')}
        aria-live="polite"
        id="messages"
        className="min-h-0 flex-1 space-y-2 overflow-y-auto pr-1"
      >
        {messages.length === 0 && <li className="text-sm text-faint">{t('chat.empty')}</li>}
        {messages.map(({ from, fromId, text: said, timestamp, encryption = 'ok' }, i) => (
          <li
            key={`${i} ${timestamp}`}
            className={`rounded-xl px-3 py-2 ${fromId === room?.userId ? 'ml-6 bg-raised' : 'mr-6 border border-line'}`}
          >
            <p className="flex justify-between gap-3 text-xs text-faint">
              <span dir="auto" title={from} className="min-w-0 truncate font-medium">
                {from}
              </span>
              <time dateTime={timestamp} className="shrink-0 whitespace-nowrap">
                {Number.isNaN(Date.parse(timestamp)) ? '' : time.format(new Date(timestamp))}
              </time>
            </p>
            {encryption === 'ok' ? (
              <Said text={said} />
            ) : (
              <p className="text-sm text-faint italic">{t(`chat.${encryption}`)}</p>
            )}
          </li>
        ))}
      </ol>
      <form onSubmit={submit} className="flex items-center gap-2 pt-2">
        <input
          id="chat-text"
          value={text}
          onChange={({ target }) => setText(target.value)}
          aria-label={t('chat.write')}
          placeholder={t('chat.write')}
          maxLength={CHAT_CHARS_MAX}
          autoComplete="off"
          autoFocus
          dir="auto"
          className="min-h-11 min-w-0 flex-1 rounded-xl border border-field bg-surface px-3"
        />
        <IconButton type="submit" icon={Send} look="primary" label={t('chat.send')} disabled={text.trim() === ''} />
      </form>
    </Panel>
  );
}

function PeoplePanel() {
  const t = useT();
  const count = useParticipantCount();
  return (
    <Panel title={t('people.title', { count })}>
      <People />
    </Panel>
  );
}

export function SidePanel() {
  const panel = useCall((state) => state.panel);
  if (panel === null) return null;
  return panel === 'chat' ? <ChatPanel /> : <PeoplePanel />;
}
