// What the hooks show of a room, how often they render, and what tiles ask for. The room's server is the test.
import { act, render } from '@testing-library/react';
import { Profiler, StrictMode, type ReactNode } from 'react';
import { beforeEach, expect, test, vi } from 'vitest';
import { Room, type RoomEvents, type Source } from '@rotunda/client';
import { joined, lastSocket, makeSocket, ScriptedSocket, settle } from '../../client/tests/scripted-socket.ts';
import {
  encryptionTrouble,
  Grid,
  RoomAudio,
  RotundaRoom,
  stateOf,
  useActiveSpeaker,
  useChat,
  useConnectionState,
  useDevices,
  useParticipants,
  useTracks,
  VideoTile,
} from '../src/index.ts';
import { SealedSources } from '../../client/src/e2ee/sealed.ts';

class TestRoom extends Room {
  demands: [string, number | null][] = [];
  override demand(producerId: string, demand: { width: number } | null): void {
    this.demands.push([producerId, demand?.width ?? null]);
  }
  tell<Type extends keyof RoomEvents>(type: Type, detail: RoomEvents[Type]): void {
    this.emit(type, detail);
  }
  // As if the server had sent a track.
  gets(userId: string, source: Source, producerId: string, track = makeTrack()): void {
    const entry = { consumer: { track }, producerId, userId, source, paused: false } as never;
    this.consumers.set(producerId, entry);
    this.tell('track', entry);
  }
}

let room: TestRoom;
const makeTrack = () => ({ kind: 'video', id: `${Math.random()}`, stop: vi.fn() }) as unknown as MediaStreamTrack;
const within = (children: ReactNode) => <RotundaRoom room={room}>{children}</RotundaRoom>;

beforeEach(async () => {
  ScriptedSocket.all = [];
  room = new TestRoom('ws://host/ws', 'garden', 'me', { makeSocket });
  stateOf(room);
  const joining = room.session.join();
  lastSocket().open();
  await settle();
  const peers = [
    { userId: 'b', username: 'Bob' },
    { userId: 'c', username: 'Cid' },
  ];
  lastSocket().answers(
    'join-room',
    'joined',
    joined({ peers, chat: [{ from: 'Bob', fromId: 'b', text: 'hello?', timestamp: '1' }] }),
  );
  await joining;
});

function seen<Value>(hook: () => Value) {
  const values: Value[] = [];
  function Show() {
    values.push(hook());
    return null;
  }
  render(within(<Show />));
  return values;
}

test('participants come, go, are renamed with oneself first, and each one keeps its object while nothing of it changes', () => {
  const values = seen(useParticipants);
  expect(values.at(-1)!.map(({ name, isLocal }) => [name, isLocal])).toEqual([
    ['me', true],
    ['Bob', false],
    ['Cid', false],
  ]);
  expect(values.at(-1)![0]!.userId).toBe('me');
  const bob = values.at(-1)![1];
  act(() => room.tell('away', { userId: 'c', away: true }));
  expect(values.at(-1)![1]).toBe(bob);
  expect(values.at(-1)![2]!.away).toBe(true);
  act(() => lastSocket().says('user-left', { userId: 'b', user: 'Bob', reason: 'left' }));
  expect(values.at(-1)!.map(({ name }) => name)).toEqual(['me', 'Cid']);
});

test('tracks of the sources that are asked for; others render nothing', () => {
  const values = seen(() => useTracks('camera'));
  act(() => room.gets('b', 'camera', 'p1'));
  expect(values.at(-1)!.map(({ name, source, paused }) => [name, source, paused])).toEqual([['Bob', 'camera', false]]);
  const rendered = values.length;
  act(() => room.gets('b', 'microphone', 'p2'));
  act(() => room.tell('levels', [{ userId: 'b', level: -20 }]));
  act(() => room.tell('speaker', { userId: 'b' }));
  expect(values.length).toBe(rendered);
  act(() => room.tell('paused', { userId: 'b', source: 'camera', paused: true }));
  expect(values.at(-1)![0]!.paused).toBe(true);
  act(() => room.tell('layers', { producerId: 'p1', spatialLayer: null, temporalLayer: null }));
  expect(values.at(-1)![0]!.held).toBe(true);
  act(() => room.tell('track-ended', room.consumers.get('p1')!));
  expect(values.at(-1)).toEqual([]);
});

test('what this side sends is a track of its own participant', async () => {
  const values = seen(() => useTracks('microphone'));
  await act(() => room.send('microphone', makeTrack(), { paused: true }));
  expect(values.at(-1)!.map(({ isLocal, paused, producerId }) => [isLocal, paused, producerId])).toEqual([
    [true, true, null],
  ]);
  await act(() => room.stop('microphone'));
  expect(values.at(-1)).toEqual([]);
});

test('who speaks, the chat, the state of the connection', async () => {
  const speakers = seen(useActiveSpeaker);
  const chats = seen(useChat);
  const states = seen(useConnectionState);
  act(() => lastSocket().says('active-speaker', { userId: 'c', user: 'Cid' }));
  expect(speakers.at(-1)!.name).toBe('Cid');
  expect(chats.at(-1)!.messages.map(({ text }) => text)).toEqual(['hello?']);
  await act(async () => {
    const sending = chats.at(-1)!.send('yes');
    lastSocket().answers('chat-message', 'chat-message', { from: 'me', fromId: 'me', text: 'yes', timestamp: '2' });
    await sending;
  });
  expect(chats.at(-1)!.messages.map(({ text }) => text)).toEqual(['hello?', 'yes']);
  act(() => lastSocket().drops());
  expect(states.at(-1)!.name).toBe('lost');
  await act(async () => room.leave());
  expect(states.at(-1)).toEqual({ name: 'ended', error: null });
});

test('a tile asks for the layer of its own size, of two that show the same picture for the larger, and for nothing when it goes', () => {
  const show = (...widths: number[]) =>
    within(widths.map((width, i) => <VideoTile key={i} track={{ track: null, producerId: 'p1' }} width={width} />));
  const { rerender } = render(show(300));
  expect(room.demands.at(-1)).toEqual(['p1', 300]);
  rerender(show(300, 100));
  expect(room.demands.at(-1)).toEqual(['p1', 300]);
  rerender(show(80, 100));
  expect(room.demands.at(-1)).toEqual(['p1', 100]);
  rerender(show());
  expect(room.demands.at(-1)).toEqual(['p1', null]);
});

test('the grid shows everybody once, and measured tiles ask for what they are wide', () => {
  room.gets('b', 'camera', 'p1');
  room.gets('b', 'screen', 's1');
  const { container } = render(within(<Grid />));
  const tiles = [...container.querySelectorAll<HTMLElement>('[data-name]')].map(
    ({ dataset }) => `${dataset.name} ${dataset.source}`,
  );
  expect(tiles).toEqual(['me camera', 'Bob camera', 'Bob screen', 'Cid camera']);
  expect(new Map(room.demands).get('p1')).toBeGreaterThan(100);
});

test('sound is played of everybody but oneself, and renders nothing else', async () => {
  await room.send('microphone', makeTrack());
  room.gets('b', 'microphone', 'm1');
  let renders = 0;
  const { container } = render(
    within(
      <Profiler id="audio" onRender={() => renders++}>
        <RoomAudio />
      </Profiler>,
    ),
  );
  expect(container.querySelectorAll('audio').length).toBe(1);
  const before = renders;
  act(() => room.tell('speaker', { userId: 'b' }));
  expect(renders).toBe(before);
});

test('sound plays on the chosen device, on the browser’s own choice while that is away, and on it again', async () => {
  const media = Object.assign(new EventTarget(), {
    list: [{ kind: 'audiooutput', deviceId: 'headset' }],
    enumerateDevices: async () => [...media.list],
  });
  Object.defineProperty(navigator, 'mediaDevices', { configurable: true, value: media });
  const sinks: string[] = [];
  const setSinkId = async (deviceId: string) => void sinks.push(deviceId);
  Object.assign(HTMLMediaElement.prototype, { setSinkId });
  room.gets('b', 'microphone', 'm1');
  const { unmount } = render(within(<RoomAudio speakerId="headset" />));
  const changed = () => act(async () => void media.dispatchEvent(new Event('devicechange')));
  const [headset] = media.list.splice(0);
  await changed();
  media.list.push(headset!);
  await changed();
  expect(sinks).toEqual(['headset', '', 'headset']);
  unmount();
  await changed();
  expect(sinks.length).toBe(3);
  delete (HTMLMediaElement.prototype as Partial<HTMLMediaElement>).setSinkId;
});

test('devices are listed by kind, anew when they change, and one can be put to use', async () => {
  const media = Object.assign(new EventTarget(), {
    list: [
      { kind: 'audioinput', deviceId: 'a', label: 'Headset' },
      { kind: 'videoinput', deviceId: '' },
    ],
    enumerateDevices: async () => [...media.list],
    getUserMedia: vi.fn(async () => ({ getTracks: () => [fresh] })),
  });
  const [old, fresh] = [makeTrack(), makeTrack()];
  Object.defineProperty(navigator, 'mediaDevices', { configurable: true, value: media });
  await room.send('microphone', old, { paused: true });
  const values = seen(useDevices);
  await act(settle);
  expect(values.at(-1)!.microphones.map(({ label }) => label)).toEqual(['Headset']);
  expect(values.at(-1)!.cameras).toEqual([]);
  media.list.push({ kind: 'videoinput', deviceId: 'c', label: 'Camera' });
  await act(async () => void media.dispatchEvent(new Event('devicechange')));
  await act(settle);
  expect(values.at(-1)!.cameras.length).toBe(1);
  await act(() => values.at(-1)!.use('microphone', 'a'));
  expect(media.getUserMedia).toHaveBeenCalledWith({ audio: { deviceId: { exact: 'a' } } });
  expect(room.local.get('microphone')).toEqual({ track: fresh, paused: true });
  expect(old.stop).toHaveBeenCalled();
});

test('a room of its own is joined while it is shown, once, and left afterwards; its devices are let go of', async () => {
  const track = makeTrack();
  const getUserMedia = vi.fn(async () => ({ getTracks: () => [track] }));
  Object.defineProperty(navigator, 'mediaDevices', { configurable: true, value: { getUserMedia } });
  ScriptedSocket.all = [];
  const states: string[] = [];
  function Show() {
    states.push(useConnectionState().name);
    return null;
  }
  const options = { makeSocket, retryFirst: false };
  const element = (
    <StrictMode>
      <RotundaRoom url="ws://host/ws" roomId="hall" username="Ann" video options={options}>
        <Show />
      </RotundaRoom>
    </StrictMode>
  );
  const { unmount, rerender } = render(element);
  await act(settle);
  expect(ScriptedSocket.all.length).toBe(1);
  await act(async () => lastSocket().open());
  await act(settle);
  expect(lastSocket().sent[0]).toMatchObject({ type: 'join-room', data: { roomId: 'hall', username: 'Ann' } });
  expect(states.at(-1)).toBe('joining');
  rerender(element);
  expect(ScriptedSocket.all.length).toBe(1);
  unmount();
  expect(track.stop).toHaveBeenCalled();
});

test('what cannot be read is told of its sender, and no more once it is gone', () => {
  const values = seen(() => useParticipants().map((one) => encryptionTrouble(one)));
  act(() => room.tell('encryption', { userId: 'b', source: 'camera', state: 'ok' }));
  expect(values.at(-1)).toEqual([null, null, null]);
  act(() => room.tell('encryption', { userId: 'b', source: 'microphone', state: 'wrong-key' }));
  expect(values.at(-1)).toEqual([null, 'wrong-key', null]);
  act(() => room.tell('encryption', { userId: 'b', source: 'microphone', state: null }));
  expect(values.at(-1)).toEqual([null, null, null]);
});

test('who has no key does not receive what is encrypted, and hears so until it is over', async () => {
  const values = seen(() => useParticipants().map((one) => encryptionTrouble(one)));
  const producer = { producerId: 'p9', userId: 'b', user: 'Bob', kind: 'video', type: 'simple', paused: false };
  const sealed = new SealedSources((news) => room.tell('encryption', news));
  act(() => void expect(sealed.has({ ...producer, appData: { source: 'screen' } } as never)).toBe(false));
  act(() => void expect(sealed.has({ ...producer, appData: { source: 'screen', e2ee: true } } as never)).toBe(true));
  expect(values.at(-1)).toEqual([null, 'no-key', null]);
  act(() => sealed.gone('p9'));
  expect(values.at(-1)).toEqual([null, null, null]);
});
