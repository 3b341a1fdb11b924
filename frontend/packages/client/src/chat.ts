// What is said in a room. Where it is encrypted from end to end, texts are sealed before the server has them, and what was not
// sealed with this key is not shown: the message comes without its text, and says why.
import type { ChatSeal } from './e2ee/chat.ts';
import type { ChatMessage } from './protocol.ts';
import type { RoomEvents } from './room-events.ts';
import type { Session } from './session.ts';

const SEALED = 'rotunda-e2ee-1:'; // as e2ee/chat.ts writes it, which only encrypted rooms load
const REMEMBERED_MAX = 100_000; // messages that are known to have been said

type Tell = <Name extends 'chat' | 'chat-history'>(name: Name, news: RoomEvents[Name]) => void;

export class ChatControl {
  #session: Pick<Session, 'request' | 'userId'>;
  #key: string | undefined; // of the room; undefined: it is not encrypted
  #tell: Tell;
  #seal: Promise<ChatSeal> | null = null;
  #said = new Set<string>(); // ids: who keeps messages cannot say them once more
  #work: Promise<void> = Promise.resolve(); // in the order in which they came

  constructor(session: Pick<Session, 'request' | 'userId'>, key: string | undefined, tell: Tell) {
    this.#session = session;
    this.#key = key;
    this.#tell = tell;
  }

  async send(text: string): Promise<void> {
    const session = this.#session;
    if (this.#key === undefined) {
      this.#tell('chat', await session.request('chat-message', { text }));
      return;
    }
    const { id, sealed } = await (await this.#sealed()).seal(text, session.userId ?? '');
    this.#note(id);
    this.#tell('chat', { ...(await session.request('chat-message', { text: sealed })), text, encryption: 'ok' });
  }

  heard(message: ChatMessage): void {
    if (this.#key === undefined) {
      this.#tell('chat', withoutKey(message));
      return;
    }
    this.#then(async () => {
      const opened = await this.#open(message, (id) => this.#said.has(id));
      if (opened) this.#tell('chat', opened);
    });
  }

  // The room's last messages, which come again after each return.
  history(messages: ChatMessage[]): void {
    if (this.#key === undefined) {
      this.#tell('chat-history', messages.map(withoutKey));
      return;
    }
    this.#then(async () => {
      const here = new Set<string>();
      const opened = [];
      for (const message of messages)
        opened.push(
          await this.#open(
            message,
            (id) => here.has(id),
            (id) => here.add(id),
          ),
        );
      this.#tell(
        'chat-history',
        opened.filter((one) => one !== null),
      );
    });
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch(() => {});
  }

  #sealed(): Promise<ChatSeal> {
    if (this.#seal) return this.#seal;
    const seal = import('./e2ee/chat.ts').then(({ ChatSeal }) => ChatSeal.of(this.#key!));
    seal.catch(() => (this.#seal = null)); // the network may be back at the next message
    return (this.#seal = seal);
  }

  #note(id: string): void {
    this.#said.add(id);
    if (this.#said.size > REMEMBERED_MAX) this.#said.delete(this.#said.values().next().value!);
  }

  // null: it is a copy.
  async #open(
    message: ChatMessage,
    isCopy: (id: string) => boolean,
    note: (id: string) => void = () => {},
  ): Promise<ChatMessage | null> {
    if (!message.text.startsWith(SEALED)) return { ...message, text: '', encryption: 'not-encrypted' };
    const seal = await this.#sealed().catch(() => null);
    if (seal === null) return { ...message, text: '', encryption: 'not-loaded' };
    const opened = await seal.open(message.text, message.fromId);
    if (opened === null) return { ...message, text: '', encryption: 'wrong-key' };
    if (isCopy(opened.id)) return null;
    note(opened.id);
    this.#note(opened.id);
    return { ...message, text: opened.text, encryption: 'ok' };
  }
}

const withoutKey = (message: ChatMessage): ChatMessage =>
  message.text.startsWith(SEALED) ? { ...message, text: '', encryption: 'no-key' } : message;
