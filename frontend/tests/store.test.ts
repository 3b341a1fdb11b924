import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { layoutGrid, mainTile, stateOf, tilesOf, withTrack, type Participant, type RoomState } from '@rotunda/react';
import { detectLanguage, translate } from '@/lib/i18n';
import { Room, spatialLayerFor } from '@rotunda/client';
import { follow, makeCallStore, videoShown, type CallStore } from '@/lib/store';
import de from '@/messages/de.json';
import en from '@/messages/en.json';
import { joined, lastSocket, makeSocket, settle } from '@/packages/client/tests/scripted-socket';

const person = (userId: string, isLocal = false): Participant => ({
  userId,
  name: userId,
  isLocal,
  away: false,
  tracks: {},
});

describe('the store follows a room', () => {
  let store: CallStore;
  let room: Room;
  let state: RoomState;
  const names = () => state.snapshot.participants.map(({ name }) => name);

  afterEach(() => vi.restoreAllMocks());
  beforeEach(async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0); // a lost connection is tried again at once
    store = makeCallStore();
    store.setState({ phase: 'room' });
    room = new Room('ws://host/ws', 'garden', 'ann', { makeSocket });
    state = stateOf(room);
    follow(room, store);
    const joining = room.session.join();
    lastSocket().open();
    await settle();
    lastSocket().answers(
      'join-room',
      'joined',
      joined({
        peers: [{ userId: 'b', username: 'bob' }],
        chat: [{ from: 'bob', fromId: 'b', text: 'early', timestamp: 't0' }],
      }),
    );
    await joining;
  });

  test('people, oneself first, in the order of their arrival', () => {
    lastSocket().says('user-joined', { user: 'cid', userId: 'c' });
    expect(names()).toEqual(['ann', 'bob', 'cid']);
    expect(state.snapshot.participants[0]!.userId).toBe('me');
    expect(store.getState().news).toMatchObject({ text: 'joined', name: 'cid' });
    lastSocket().says('user-left', { user: 'bob', userId: 'b', reason: 'left' });
    expect(names()).toEqual(['ann', 'cid']);
  });

  test('chat, with what is unread counted unless the chat is open', () => {
    expect(state.snapshot.messages.map(({ text }) => text)).toEqual(['early']);
    expect(store.getState().unread).toBe(0);
    lastSocket().says('chat-message', { from: 'bob', fromId: 'b', text: 'hello', timestamp: 't1' });
    expect(store.getState().unread).toBe(1);
    store.setState({ panel: 'chat', unread: 0 });
    lastSocket().says('chat-message', { from: 'bob', fromId: 'b', text: 'again', timestamp: 't2' });
    expect(store.getState().unread).toBe(0);
    expect(state.snapshot.messages.map(({ text }) => text)).toEqual(['early', 'hello', 'again']);
  });

  test('a speaker and levels, and forgets a speaker who leaves', () => {
    lastSocket().says('active-speaker', { userId: 'b', user: 'bob' });
    lastSocket().says('audio-levels', { levels: [{ userId: 'b', level: -20 }] });
    expect(state.snapshot).toMatchObject({ speaker: 'b', lastSpeaker: 'b', levels: { b: 4 } });
    lastSocket().says('active-speaker', { userId: null, user: null });
    lastSocket().says('audio-levels', { levels: [{ userId: 'b', level: -90 }] });
    expect(state.snapshot).toMatchObject({ speaker: null, lastSpeaker: 'b', levels: {} });
    store.setState({ pinned: 'b:camera' });
    lastSocket().says('user-left', { user: 'bob', userId: 'b', reason: 'timeout' });
    expect(state.snapshot).toMatchObject({ speaker: null, lastSpeaker: null, turns: {} });
    expect(store.getState().pinned).toBeNull();
  });

  test('a picture that the server does not send for now', async () => {
    const consumer = { id: 'k', track: {} as MediaStreamTrack };
    const entry = { userId: 'b', username: 'bob', source: 'camera', producerId: 'p', consumer } as never;
    const bob = () => state.snapshot.participants.find(({ userId }) => userId === 'b')!.tracks.camera;
    const says = (spatialLayer: number | null, reason?: string) =>
      lastSocket().says('consumer-layers-changed', {
        consumerId: 'k',
        spatialLayer,
        temporalLayer: spatialLayer,
        reason,
      });
    room.consumers.set('p', entry);
    state.set({
      participants: withTrack(state.snapshot.participants, 'b', 'camera', { track: consumer.track, producerId: 'p' }),
    });
    expect(videoShown(bob())).toBe(true);
    says(null, 'overload');
    expect(videoShown(bob())).toBe(false);
    says(0);
    expect(videoShown(bob())).toBe(true);
    says(null, 'overload');
    lastSocket().drops();
    await new Promise((resolve) => setTimeout(resolve, 5));
    lastSocket().open();
    await settle();
    lastSocket().answers('join-room', 'joined', joined({ peers: [{ userId: 'b', username: 'bob' }], resumed: true }));
    await settle();
    expect(videoShown(bob())).toBe(true);
  });

  test('the connection, and why it ended', async () => {
    lastSocket().drops(4001);
    await settle();
    expect(store.getState().phase).toBe('ended');
    expect(store.getState().error).toMatchObject({ code: 'taken-over' });
  });

  test('messages that came while the connection was lost, each once', async () => {
    lastSocket().drops();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(state.snapshot.session.name).toBe('lost');
    lastSocket().open();
    await settle();
    const chat = ['early', 'missed'].map((text, i) => ({ from: 'bob', fromId: 'b', text, timestamp: `t${i}` }));
    lastSocket().answers('join-room', 'joined', joined({ peers: [], resumed: true, chat }));
    await settle();
    expect(state.snapshot.messages.map(({ text }) => text)).toEqual(['early', 'missed']);
    expect(store.getState().unread).toBe(1);
    expect(names()).toEqual(['ann']);
  });
});

describe('tiles', () => {
  const track = {} as MediaStreamTrack;
  const people = withTrack([person('ann', true), person('bob'), person('cid')], 'cid', 'screen', { track });

  test('one for each person, and one for a shared screen', () => {
    expect(tilesOf(people).map(({ id }) => id)).toEqual(['ann:camera', 'bob:camera', 'cid:camera', 'cid:screen']);
  });

  test.each([
    ['what is pinned', 'bob:camera', 'cid', 'bob:camera'],
    ['else a screen', null, 'bob', 'cid:screen'],
  ])('the large one: %s', (_, pinned, speaker, expected) => {
    expect(mainTile(tilesOf(people), pinned, speaker)!.id).toBe(expected);
  });

  test('the large one without a screen: who speaks, else another than oneself', () => {
    const tiles = tilesOf([person('ann', true), person('bob'), person('cid')]);
    expect(mainTile(tiles, null, 'cid')!.id).toBe('cid:camera');
    expect(mainTile(tiles, null, null)!.id).toBe('bob:camera');
    expect(mainTile(tiles.slice(0, 1), null, null)!.id).toBe('ann:camera');
  });

  test('a picture is shown when there is one that is not paused', () => {
    const [cid] = withTrack([person('cid')], 'cid', 'camera', { track });
    expect(videoShown(cid!.tracks.camera)).toBe(true);
    expect(videoShown({ ...cid!.tracks.camera!, paused: true })).toBe(false);
    expect(videoShown({ ...cid!.tracks.camera!, held: true })).toBe(false);
    expect(videoShown(undefined)).toBe(false);
  });
});

describe('the grid', () => {
  test.each([
    [1280, 640, 1, 1, 1],
    [1280, 640, 2, 2, 1],
    [1280, 640, 4, 2, 1],
    [360, 560, 2, 1, 1],
    [360, 560, 8, 2, 1],
    [360, 560, 40, 2, 4],
    [1280, 640, 40, 5, 2],
  ])('%i by %i with %i tiles: %i columns, %i pages', (width, height, count, columns, pages) => {
    const layout = layoutGrid(width, height, count);
    expect(layout).toMatchObject({ columns, pages });
    expect(layout.tileWidth * columns).toBeLessThanOrEqual(width);
    expect(layout.perPage * pages).toBeGreaterThanOrEqual(count);
    expect(layout.tileHeight * Math.ceil(layout.perPage / columns)).toBeLessThanOrEqual(height);
  });

  test.each([
    ['a phone', 344, 530, 5, 1],
    ['a desktop', 1440, 790, 2, 4 / 3],
  ])(
    '%s is filled: tiles are no narrower than they may be, and no wider than a picture',
    (_, width, height, count, narrowest) => {
      const { tileWidth, tileHeight } = layoutGrid(width, height, count);
      expect(tileWidth / tileHeight).toBeGreaterThanOrEqual(narrowest - 0.01);
      expect(tileWidth / tileHeight).toBeLessThan(16 / 9 - 0.1);
    },
  );
});

describe('layers', () => {
  const camera = { source: 'camera' as const, width: 1280, layers: 3 };
  test.each([
    [200, 0],
    [420, 0],
    [430, 1],
    [640, 1],
    [900, 2],
    [4000, 2],
  ])('a tile %i pixels wide gets layer %i of 1280', (width, layer) =>
    expect(spatialLayerFor(camera, width)).toBe(layer),
  );

  test('what a stranger says of its picture is not trusted', () => {
    expect(spatialLayerFor({ width: -1, layers: 1e9 }, 1e9)).toBe(7);
    expect(spatialLayerFor({ width: 'x', layers: null } as never, 100)).toBe(0);
  });
});

describe('words', () => {
  test('every language has the same messages with the same blanks', () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
    const blanks = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const [key, text] of Object.entries(en)) expect(blanks(de[key as keyof typeof de]), key).toEqual(blanks(text));
  });

  test('blanks are filled, and the language is the first that is there', () => {
    expect(translate('en', 'news.joined', { name: 'Ann' })).toBe('Ann joined');
    expect(detectLanguage(['fr-FR', 'de-AT', 'en'])).toBe('de');
    expect(detectLanguage(['fr'])).toBe('en');
  });
});
