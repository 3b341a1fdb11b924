import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Doorway, Room, type Demand } from '../src/index.ts';
import { shapeOffer, shapeOffers, withIceOptions } from '../src/offers.ts';
import { dropAndRetry, joined, lastSocket, ScriptedSocket, settle } from './scripted-socket.ts';

// ---- as much of mediasoup-client as a room needs ----

const transports: FakeTransport[] = [];
let frames = 0; // that each picture has

class FakeTransport {
  id: string;
  closed = false;
  connectionState = 'connected';
  log: unknown[] = [];
  unsupported = false; // as in Firefox
  #handlers: Record<string, (data: never, done: (answer: never) => void, failed: (error: Error) => void) => void> = {};

  constructor(readonly options: { id: string; iceServers: RTCIceServer[]; iceTransportPolicy?: string }) {
    this.id = options.id;
    transports.push(this);
  }
  on(event: string, handler: never) {
    this.#handlers[event] = handler;
  }
  becomes(state: string) {
    this.connectionState = state;
    this.#handlers.connectionstatechange!(
      state as never,
      () => {},
      () => {},
    );
  }
  async produce({ track, appData }: { track: { kind: string }; appData: object }) {
    const ask = { kind: track.kind, rtpParameters: {}, appData } as never;
    const { id } = await new Promise<{ id: string }>((resolve, reject) =>
      this.#handlers.produce!(ask, resolve as never, reject),
    );
    return {
      id,
      track,
      paused: false,
      pause() {
        this.paused = true;
      },
      resume() {
        this.paused = false;
      },
      close() {},
      async replaceTrack({ track: other }: { track: never }) {
        this.track = other;
      },
    };
  }
  async consume({ id, kind }: { id: string; kind: string }) {
    const getStats = async () => new Map([['', { type: 'inbound-rtp', framesDecoded: frames }]]);
    return { id, kind, closed: false, track: { kind }, close() {}, getStats };
  }
  async restartIce({ iceParameters }: { iceParameters: object }) {
    this.log.push(['restartIce', iceParameters]);
  }
  async updateIceServers({ iceServers }: { iceServers: object }) {
    if (this.unsupported) throw Object.assign(new Error('not supported'), { name: 'UnsupportedError' });
    this.log.push(['updateIceServers', iceServers]);
  }
  close() {
    this.closed = true;
  }
}

vi.mock('mediasoup-client', () => ({
  Device: {
    factory: async () => ({
      load: async () => {},
      recvRtpCapabilities: { codecs: [] },
      createSendTransport: (options: never) => new FakeTransport(options),
      createRecvTransport: (options: never) => new FakeTransport(options),
    }),
  },
}));

// ---- a server that answers by itself ----

const OLD: RTCIceServer[] = [{ urls: 'turn:turn.example.org', username: '1:ann', credential: 'old' }];
const NEW: RTCIceServer[] = [{ urls: 'turn:turn.example.org', username: '2:ann', credential: 'new' }];

let room: Room;
let made = 0;
let restartAnswer: object;
const answers: Record<string, (data: Record<string, unknown>) => [string, object]> = {
  'create-transport': ({ direction }) => [
    'webRtcTransportCreated',
    { id: `${direction}-${++made}`, direction, iceServers: OLD, iceParameters: { iceLite: true } },
  ],
  produce: ({ kind }) => ['produced', { id: `mine-${kind}`, producerId: `mine-${kind}`, kind, type: 'simple' }],
  consume: ({ producerId }) => [
    'consumed',
    {
      id: `c-${producerId}`,
      producerId,
      kind: String(producerId).split('-')[0],
      rtpParameters: {},
      producerPaused: false,
      paused: true,
    },
  ],
  'restart-ice': ({ transportId }) => [
    'ice-restarted',
    { transportId, iceParameters: { usernameFragment: 'next' }, iceCandidates: [], ...restartAnswer },
  ],
};

class Server extends ScriptedSocket {
  override send(text: string): void {
    super.send(text);
    const { type, id, data } = this.sent.at(-1)!;
    if (type === 'join-room' || type === 'get-capabilities') return; // the test answers these
    const [answerType, answer] = answers[type]?.(data) ?? [`${type}-answer`, data];
    queueMicrotask(() => this.says(answerType, answer, id));
  }
}
const makeServer = (url: string) => new Server(url) as unknown as WebSocket;

const camera = (userId: string, more: object = {}) => ({
  producerId: `video-${userId}`,
  userId,
  user: userId,
  kind: 'video',
  type: 'simulcast',
  paused: false,
  appData: { source: 'camera', width: 1280, layers: 3 },
  ...more,
});
const microphone = (userId: string) => ({
  ...camera(userId),
  producerId: `audio-${userId}`,
  kind: 'audio',
  type: 'simple',
  appData: { source: 'microphone' },
});
const track = (kind: string) =>
  ({ kind, getSettings: () => ({ width: 320, height: 180 }) }) as unknown as MediaStreamTrack;

async function answerJoin(more: object = {}) {
  await settle();
  lastSocket().open();
  await settle();
  const ready = new Promise<void>((resolve) => {
    const off = room.on('ready', () => resolve(off()));
  });
  lastSocket().answers('join-room', 'joined', joined({ peers: [{ userId: 'b', username: 'bob' }], ...more }));
  await ready;
  await settled();
}
// Requests follow from answers: waits until no more are sent.
async function settled() {
  for (let sent = -1; sent !== lastSocket().sent.length; ) {
    sent = lastSocket().sent.length;
    await new Promise((resolve) => setTimeout(resolve));
    await settle();
  }
}
async function enter(more: object = {}, tracks: Parameters<Room['join']>[0] = {}, options: object = {}) {
  room = new Room('ws://host/ws', 'garden', 'ann', { makeSocket: makeServer, ...options });
  const joining = room.join(tracks);
  await answerJoin(more);
  await joining;
}
async function comeBack(more: object = {}) {
  await dropAndRetry();
  await answerJoin({ resumed: true, transports: transports.slice(-2).map(({ id }) => id), ...more });
}
const sent = (...types: string[]) =>
  lastSocket()
    .sent.filter(({ type }) => types.length === 0 || types.includes(type))
    .map(({ type, data }) => [type, data] as const);

beforeEach(() => {
  ScriptedSocket.all = [];
  transports.length = 0;
  made = 0;
  restartAnswer = {};
});

describe('how much of a large room comes', () => {
  const asked = () => sent('set-last-n', 'set-loudest-n');

  test('is told when it differs from what the server knows', async () => {
    await enter();
    room.choose({ lastN: null, loudestN: null, pinned: [] }); // as it is
    expect(asked()).toEqual([]);
    room.choose({ lastN: 5, loudestN: null, pinned: ['b', 'nobody'] });
    room.choose({ lastN: 5, loudestN: 0, pinned: ['b'] });
    expect(asked()).toEqual([
      ['set-last-n', { lastN: 5, pinned: ['b'] }],
      ['set-loudest-n', { loudestN: 0 }],
    ]);
    room.choose({ lastN: null, loudestN: 0, pinned: [] });
    expect(asked().at(-1)).toEqual(['set-last-n', { pinned: [] }]);
  });

  test.each([true, false])('holds over a loss (resumed: %s)', async (resumed) => {
    await enter();
    room.choose({ lastN: 3, loudestN: 4, pinned: [] });
    await comeBack(resumed ? {} : { resumed: false, transports: [] });
    expect(asked()).toEqual([
      ['set-last-n', { lastN: 3, pinned: [] }],
      ['set-loudest-n', { loudestN: 4 }],
    ]);
  });

  test('what is chosen before the join is told after it', async () => {
    room = new Room('ws://host/ws', 'garden', 'ann', { makeSocket: makeServer });
    room.choose({ lastN: 9, loudestN: null, pinned: [] });
    const joining = room.join({});
    await answerJoin();
    await joining;
    expect(asked()).toEqual([['set-last-n', { lastN: 9, pinned: [] }]]);
  });
});

describe('a join that was prepared', () => {
  const newTransports = ['recv', 'send'].map((direction) => ({
    id: `given-${direction}`,
    direction,
    iceServers: OLD,
    iceParameters: { iceLite: true },
  }));
  const offer = (producer: { producerId: string }, paused = false) => ({
    ...producer,
    id: `c-${producer.producerId}`,
    rtpParameters: {},
    producerPaused: false,
    paused,
  });

  async function prepared(more: object = {}, tracks: Parameters<Room['join']>[0] = {}) {
    const doorway = new Doorway('ws://host/ws', { makeSocket: makeServer });
    doorway.prepare();
    await settle();
    lastSocket().open();
    // mediasoup-client is loaded first, which takes its time
    while (!lastSocket().sent.some(({ type }) => type === 'get-capabilities'))
      await new Promise((resolve) => setTimeout(resolve));
    lastSocket().answers('get-capabilities', 'capabilities', {
      routerRtpCapabilities: { codecs: [], headerExtensions: [] },
    });
    await settled();
    room = new Room('ws://host/ws', 'garden', 'ann', { makeSocket: makeServer, doorway });
    const joining = room.join(tracks);
    await settled();
    lastSocket().answers('join-room', 'joined', joined({ peers: [{ userId: 'b', username: 'bob' }], ...more }));
    await joining;
    await settled();
  }

  test('asks for media with the join, on the connection that is open, and needs no more', async () => {
    const tracks: string[] = [];
    await prepared({
      newTransports,
      newConsumers: [offer(camera('b')), offer(microphone('b'))],
      producers: [camera('b'), microphone('b')],
    });
    expect(ScriptedSocket.all.length).toBe(1);
    expect(sent('join-room')[0]![1]).toMatchObject({
      openTransports: ['recv', 'send'],
      consume: { video: 9, spatialLayer: 0, brief: true },
    });
    expect(sent('create-transport', 'consume', 'resume-consumer')).toEqual([]);
    for (const entry of room.consumers.values()) tracks.push(entry!.producerId);
    expect(tracks).toEqual(['video-b', 'audio-b']);
    // a tile of a good size wants more than the lowest layer, which comes already
    room.demand('video-b', { width: 1280 });
    await settled();
    expect(sent('set-preferred-layers', 'resume-consumer')).toEqual([
      ['set-preferred-layers', { consumerId: 'c-video-b', spatialLayer: 2 }],
    ]);
    room.demand('video-b', null);
    await settled();
    expect(sent('pause-consumer').length).toBe(1);
  });

  test('asks for what the answer did not bring', async () => {
    await prepared({
      newTransports,
      newConsumers: [offer(microphone('b'))],
      producers: [camera('b'), microphone('b')],
    });
    expect(sent('consume').map(([, { producerId }]) => producerId)).toEqual(['video-b']);
  });

  test('goes the usual way with a server that does not know it', async () => {
    await prepared({ producers: [microphone('b')] });
    expect(sent('create-transport').length).toBe(2);
    expect(sent('consume').length).toBe(1);
  });

  test('after a return it keeps what it has', async () => {
    await prepared({ newTransports, newConsumers: [offer(microphone('b'))], producers: [microphone('b')] });
    await comeBack({ producers: [microphone('b')] });
    expect(sent('join-room')[0]![1]).not.toHaveProperty('openTransports');
    expect(sent('create-transport', 'consume')).toEqual([]);
  });

  test('a tile is not waited for by what is sent', async () => {
    const entered = vi.fn();
    const doorway = new Doorway('ws://host/ws', { makeSocket: makeServer });
    room = new Room('ws://host/ws', 'garden', 'ann', { makeSocket: makeServer, doorway });
    room.on('entered', entered);
    room.on('ready', () => expect(entered).toHaveBeenCalled());
    const joining = room.join({ microphone: { track: track('audio'), paused: false } });
    await answerJoin();
    await joining;
    expect(entered).toHaveBeenCalledOnce();
  });

  test('an offer says that the server takes the handshake in checks', () => {
    const sdp = 'v=0\r\na=ice-options:ice2\r\nm=audio 9 X 0\r\na=ice-options:renomination sped\r\n';
    expect(withIceOptions(sdp)).toBe(
      'v=0\r\na=ice-options:ice2 sped googspedv1 goog-sped-v1\r\nm=audio 9 X 0\r\na=ice-options:renomination sped googspedv1 goog-sped-v1\r\n',
    );
  });

  test.each([
    ['recv', 'Chrome111', 'auto', false, true],
    ['send', 'Chrome111', 'auto', false, false],
    ['recv', 'Firefox120', 'auto', false, false], // mediasoup-client tells its part wrongly there
    ['recv', 'Chrome111', 'server', false, false],
    ['recv', 'Chrome111', 'auto', true, false], // data channels
  ] as const)(
    'the server begins the handshake of media that comes: %s, %s, %s, %s',
    (direction, handler, role, data, begins) => {
      const ufrag = `00${direction}${handler}${role}${data}`;
      const offer = `v=0\r\na=ice-ufrag:${ufrag}\r\nm=audio 9 X 0\r\na=setup:actpass\r\nm=video 9 X 0\r\na=setup:actpass\r\n`;
      const options = {
        id: 't',
        direction,
        iceParameters: { usernameFragment: ufrag, password: 'p' },
        iceCandidates: [],
        iceServers: [],
        dtlsParameters: { role, fingerprints: [] },
        ...(data ? { sctpParameters: { port: 5000 } } : {}),
      } as never as Parameters<typeof shapeOffers>[0];
      expect(shapeOffers(options, handler).dtlsParameters.role).toBe(begins ? 'client' : role);
      expect(shapeOffer(offer)).toBe(begins ? offer.replaceAll('actpass', 'active') : offer);
      expect(shapeOffer(offer.replace('00', '01'))).toBe(offer.replace('00', '01')); // somebody else's
    },
  );
});

describe('what is received', () => {
  const FLOW = ['set-preferred-layers', 'resume-consumer', 'pause-consumer'];
  const consumerId = 'c-video-b';

  test('every consumer starts paused; sound is resumed at once, a picture when a tile asks for it', async () => {
    await enter({ producers: [camera('b'), microphone('b')] });
    expect(sent('consume').map(([, data]) => data)).toMatchObject([
      { producerId: 'video-b', paused: true },
      { producerId: 'audio-b', paused: true },
    ]);
    expect(sent(...FLOW)).toEqual([['resume-consumer', { consumerId: 'c-audio-b' }]]);
    room.demand('video-b', { width: 300 });
    await settled();
    expect(sent(...FLOW).slice(1)).toEqual([
      ['set-preferred-layers', { consumerId, spatialLayer: 0 }],
      ['resume-consumer', { consumerId }],
    ]);
  });

  test.each<[string, Demand[], (readonly [string, object])[]]>([
    [
      'a larger tile gets a larger layer',
      [{ width: 1280 }],
      [['set-preferred-layers', { consumerId, spatialLayer: 2 }]],
    ],
    ['a tile of much the same size asks for nothing', [{ width: 310 }], []],
    ['what is not shown is paused', [null], [['pause-consumer', { consumerId }]]],
    [
      'what is shown again is resumed',
      [null, { width: 300 }],
      [
        ['pause-consumer', { consumerId }],
        ['resume-consumer', { consumerId }],
      ],
    ],
  ])('%s', async (_, demands, expected) => {
    await enter({ producers: [camera('b')] });
    room.demand('video-b', { width: 300 });
    await settled();
    const before = sent(...FLOW).length;
    for (const demand of demands) {
      room.demand('video-b', demand);
      await settled();
    }
    expect(sent(...FLOW).slice(before)).toEqual(expected);
  });

  test('one layer is not chosen from', async () => {
    await enter({ producers: [camera('b', { type: 'simple' })] });
    room.demand('video-b', { width: 300 });
    await settled();
    expect(sent(...FLOW)).toEqual([['resume-consumer', { consumerId }]]);
  });

  test('after a return it is asked for again: the request may have been lost', async () => {
    await enter({ producers: [camera('b')] });
    room.demand('video-b', { width: 300 });
    await settled();
    await comeBack({ producers: [camera('b')] });
    expect(sent('consume')).toEqual([]);
    expect(sent(...FLOW).map(([type]) => type)).toEqual(['set-preferred-layers', 'resume-consumer']);
  });

  test('after a return, what ended meanwhile is gone, and what began is there', async () => {
    await enter({ producers: [camera('b')] });
    const ended: string[] = [];
    room.on('track-ended', ({ producerId }) => ended.push(producerId));
    await comeBack({ producers: [microphone('b')] });
    expect(ended).toEqual(['video-b']);
    expect(sent('consume').map(([, { producerId }]) => producerId)).toEqual(['audio-b']);
  });
});

describe('what is sent', () => {
  const tracks = {
    microphone: { track: track('audio'), paused: true },
    camera: { track: track('video'), paused: false },
  };

  test('each track, and that it is muted', async () => {
    await enter({}, tracks);
    expect(sent('produce').map(([, data]) => data)).toMatchObject([
      { kind: 'audio', paused: true, appData: { source: 'microphone' } },
      { kind: 'video', paused: false, appData: { source: 'camera', width: 320, layers: 1 } },
    ]);
  });

  test('a return leaves it as it was; a server that knows nothing of it gets it anew', async () => {
    await enter({}, tracks);
    await comeBack({ ownProducers: ['mine-audio', 'mine-video'] });
    expect(sent('produce', 'create-transport')).toEqual([]);
    await dropAndRetry();
    await answerJoin({ resumed: false });
    expect(sent('create-transport').map(([, data]) => data)).toEqual([{ direction: 'recv' }, { direction: 'send' }]);
    expect(sent('produce').length).toBe(2);
    expect(transports.map(({ closed }) => closed)).toEqual([true, true, false, false]);
  });

  test('while it is muted another device takes the place of the one before, and stays muted', async () => {
    await enter({}, tracks);
    const other = track('audio');
    await room.send('microphone', other, { paused: true });
    const producer = room.producers.get('microphone')!;
    expect([producer.track, producer.paused]).toEqual([other, true]);
    expect(sent('resume-producer')).toEqual([]);
  });
});

describe('a moderator', () => {
  const tracks = () => ({
    microphone: { track: track('audio'), paused: false },
    camera: { track: track('video'), paused: false },
  });
  const bits = () => ['microphone', 'camera'].map((source) => room.local.get(source as 'camera')?.paused);

  test('mutes, and this side may unmute', async () => {
    await enter({}, tracks());
    lastSocket().says('muted', { kind: 'audio', by: 'ann' });
    expect(bits()).toEqual([true, false]);
    expect(room.isHeld('microphone')).toBe(false);
    await Promise.all([room.pause('microphone', false), settle()]);
    expect(bits()).toEqual([false, false]);
  });

  test('mutes until one lets this side unmute', async () => {
    await enter({}, tracks());
    const told: unknown[] = [];
    room.on('muted', (event) => told.push(event));
    lastSocket().says('held-changed', { userId: 'me', user: 'me', held: ['audio'], by: 'ann' });
    lastSocket().says('muted', { kind: 'audio', by: 'ann', hold: true });
    expect(told).toEqual([{ kind: 'audio', by: 'ann', hold: true }]);
    expect(bits()).toEqual([true, false]);
    await expect(room.pause('microphone', false)).rejects.toMatchObject({ code: 'held' });
    await expect(room.send('microphone', track('audio'))).rejects.toMatchObject({ code: 'held' });
    expect(bits()).toEqual([true, false]);
    lastSocket().says('held-changed', { userId: 'bob', user: 'bob', held: [], by: 'ann' }); // somebody else
    expect(room.isHeld('microphone')).toBe(true);
    lastSocket().says('held-changed', { userId: 'me', user: 'me', held: [], by: 'ann' });
    expect(bits()).toEqual([true, false]); // nothing unmutes by itself
    await Promise.all([room.pause('microphone', false), settle()]);
    expect(bits()).toEqual([false, false]);
  });

  test('has held this side before it came: nothing of that kind goes out', async () => {
    await enter({ held: ['video'] }, tracks());
    expect(sent('produce').map(([, { kind, paused }]) => [kind, paused])).toEqual([
      ['audio', false],
      ['video', true],
    ]);
    expect(bits()).toEqual([false, true]);
  });
});

test('a server that ends is left when the next one shows what it has shown', async () => {
  frames = 0;
  await enter({ producers: [camera('b')] }, { camera: { track: track('video'), paused: false } });
  room.demand('video-b', { width: 1280 });
  const told: unknown[] = [];
  for (const type of ['track', 'track-ended'] as const)
    room.on(type, ({ userId, producerId }) => told.push([type, userId, producerId]));
  const before = lastSocket();
  before.says('server-draining', { deadline: null, url: null });
  await vi.waitFor(() => expect(ScriptedSocket.all.length).toBe(2));
  const more = { userId: 'me-2', peers: [{ userId: 'b2', username: 'bob' }], producers: [camera('b2')] };
  await answerJoin(more);
  expect(told.splice(0)).toEqual([
    ['track-ended', 'b', 'video-b'],
    ['track', 'b2', 'video-b'],
  ]);
  expect(transports.map(({ closed }) => closed)).toEqual([false, false, false, false]);
  expect(sent('produce', 'resume-consumer', 'set-preferred-layers').length).toBe(3); // wanted as the other was
  await room.pause('camera', true); // here and there
  expect(before.sent.at(-1)!.type).toBe('close-producer');
  frames = 1;
  await vi.waitFor(() => expect(told.length).toBe(2));
  expect(told).toEqual([
    ['track', 'b2', 'video-b2'],
    ['track-ended', 'b2', 'video-b'],
  ]);
  expect(before.closedWith).toBeNull();
  room.leave();
  await settled();
  expect([before.closedWith, lastSocket().closedWith]).toEqual([1000, 1000]);
  expect(transports.every(({ closed }) => closed)).toBe(true);
});

test('what a program says of the room, and that it says another thing', async () => {
  const told: unknown[] = [];
  await enter({ roomMetadata: 'algebra' });
  room.on('metadata', (event) => told.push(event));
  expect(room.metadata).toBe('algebra');
  lastSocket().says('room-metadata', { metadata: 'geometry' });
  expect(room.metadata).toBe('geometry');
  await comeBack({ roomMetadata: 'geometry' }); // nothing new
  await comeBack({}); // it was taken away meanwhile
  expect(told).toEqual([{ metadata: 'geometry' }, { metadata: null }]);
});

describe('STUN and TURN servers', () => {
  test('come with each transport', async () => {
    await enter();
    expect(transports.map(({ options }) => options.iceServers)).toEqual([OLD, OLD]);
    expect(transports.map(({ options }) => options.iceTransportPolicy)).toEqual([undefined, undefined]);
  });

  test('may be made the only way', async () => {
    await enter({}, {}, { iceTransportPolicy: 'relay' });
    expect(transports.map(({ options }) => options.iceTransportPolicy)).toEqual(['relay', 'relay']);
  });

  const restarted = ['restartIce', { usernameFragment: 'next' }];

  test('a change of network restarts ICE both ways, with new servers where there are any', async () => {
    await enter();
    await room.recover();
    expect(transports.map(({ log }) => log)).toEqual([[restarted], [restarted]]);
    restartAnswer = { iceServers: NEW };
    await room.recover();
    expect(transports[0]!.log.slice(1)).toEqual([['updateIceServers', NEW], restarted]);
  });

  test('those of a return are the freshest; a broken path is restarted with them', async () => {
    await enter();
    transports[0]!.connectionState = 'failed';
    await comeBack({ iceServers: NEW });
    expect(transports.map(({ log }) => log)).toEqual([
      [['updateIceServers', NEW], restarted],
      [['updateIceServers', NEW]],
    ]);
  });

  test('a browser that cannot change them goes on with the old ones', async () => {
    await enter();
    for (const transport of transports) transport.unsupported = true;
    transports[1]!.connectionState = 'disconnected';
    await comeBack({ iceServers: NEW });
    expect(transports[1]!.log).toEqual([restarted]);
  });

  test('a path that fails is restarted at once', async () => {
    await enter();
    transports[0]!.becomes('failed');
    await settled();
    expect(transports.map(({ log }) => log)).toEqual([[restarted], []]);
  });
});
