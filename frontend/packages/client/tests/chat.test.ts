// The chat of an encrypted room: what the server gets, and what of what it says is shown.
import { expect, test, vi } from 'vitest';
import { ChatControl } from '../src/chat.ts';
import { ChatSeal, isSealedText } from '../src/e2ee/chat.ts';
import { e2eeKey } from '../src/e2ee/key.ts';
import type { ChatMessage } from '../src/protocol.ts';

const KEY = 'AAECAwQFBgcICQoLDA0ODw';
const said = (text: string, fromId = 'ann', timestamp = '1'): ChatMessage => ({ from: 'Ann', fromId, text, timestamp });

// A participant whose server keeps what it is given.
function person(key: string | undefined, userId = 'ann') {
  const kept: ChatMessage[] = [];
  const told: ChatMessage[][] = [];
  const session = {
    userId,
    request: async (_: string, { text }: { text: string }) => {
      kept.push(said(text, userId));
      return kept.at(-1)!;
    },
  };
  const chat = new ChatControl(
    session as never,
    key,
    (name, news) => void told.push(name === 'chat' ? [news as ChatMessage] : (news as ChatMessage[])),
  );
  return { chat, kept, told };
}
const after = (told: unknown[], count: number) => expect.poll(() => told.length).toBe(count);

test('the server has nothing that it can read, and others have the words', async () => {
  const ann = person(KEY);
  const bob = person(KEY, 'bob');
  const words = 'Meet at noon 🌱 \u0000';
  await ann.chat.send(words);
  await ann.chat.send(words);
  expect(ann.told.flat()).toEqual(
    Array(2)
      .fill({ ...ann.kept[0], text: words, encryption: 'ok' })
      .map((one, i) => ({ ...one, timestamp: ann.kept[i]!.timestamp })),
  );
  expect(ann.kept.every(({ text }) => isSealedText(text) && !text.includes('noon'))).toBe(true);
  expect(ann.kept[0]!.text).not.toBe(ann.kept[1]!.text);
  for (const message of ann.kept) bob.chat.heard(message);
  await after(bob.told, 2);
  expect(bob.told.flat().map(({ text, encryption }) => [text, encryption])).toEqual([
    [words, 'ok'],
    [words, 'ok'],
  ]);
});

test("another key, none, somebody else's words, a changed byte, a copy: none is shown", async () => {
  const ann = person(KEY);
  await ann.chat.send('secret');
  const { text } = ann.kept[0]!;
  const changed = text.slice(0, -3) + (text.at(-3) === 'A' ? 'B' : 'A') + text.slice(-2);
  const bob = person(KEY, 'bob');
  for (const message of [
    said('clear'),
    said(text, 'bob'),
    said(changed),
    said('rotunda-e2ee-1:'),
    said('rotunda-e2ee-1:$'),
    said(text),
    said(text, 'ann', '2'),
    said(`${text}=`),
  ])
    bob.chat.heard(message);
  bob.chat.heard(said('the end'));
  await after(bob.told, 7);
  expect(bob.told.flat().map(({ text: shown, encryption }) => `${shown} ${encryption}`)).toEqual([
    ' not-encrypted',
    ' wrong-key',
    ' wrong-key',
    ' wrong-key',
    ' wrong-key',
    'secret ok',
    ' not-encrypted',
  ]);
  const cid = person(e2eeKey(), 'cid');
  cid.chat.heard(said(text));
  await after(cid.told, 1);
  expect(cid.told.flat()[0]).toMatchObject({ text: '', encryption: 'wrong-key' });
  const dan = person(undefined, 'dan');
  dan.chat.heard(said(text));
  dan.chat.heard(said('clear'));
  dan.chat.history([said(text), said('clear')]);
  expect(dan.told.map((news) => news.map(({ text: shown, encryption }) => [shown, encryption]))).toEqual([
    [['', 'no-key']],
    [['clear', undefined]],
    [
      ['', 'no-key'],
      ['clear', undefined],
    ],
  ]);
});

test('history comes again after a return, each line once, and in order with what is said', async () => {
  const ann = person(KEY);
  await ann.chat.send('one');
  await ann.chat.send('two');
  const bob = person(KEY, 'bob');
  bob.chat.history([...ann.kept, ann.kept[0]!]);
  bob.chat.heard(ann.kept[1]!); // again
  bob.chat.history(ann.kept);
  await after(bob.told, 2);
  for (const news of bob.told) expect(news.map(({ text }) => text)).toEqual(['one', 'two']);
});

// Whatever else speaks this: the same key, salt and sender make the same words.
test('a text that was sealed elsewhere', async () => {
  const seal = await ChatSeal.of(KEY);
  const { sealed } = await seal.seal('hello', 'ann');
  expect(await seal.open(sealed, 'ann')).toMatchObject({ text: 'hello' });
  expect(await seal.open(sealed, 'annb')).toBeNull();
  expect(await seal.open(sealed.slice('rotunda-e2ee-1:'.length), 'ann')).toBeNull();
});

test('what decrypts it does not load: each message says so, until it does', async () => {
  const ann = person(KEY);
  await ann.chat.send('one');
  const bob = person(KEY, 'bob');
  const lost = vi.spyOn(ChatSeal, 'of').mockRejectedValueOnce(new TypeError('Failed to fetch'));
  bob.chat.heard(ann.kept[0]!);
  await after(bob.told, 1);
  bob.chat.history(ann.kept);
  await after(bob.told, 2);
  lost.mockRestore();
  expect(bob.told.flat().map(({ text, encryption }) => `${text} ${encryption}`)).toEqual([' not-loaded', 'one ok']);
});
