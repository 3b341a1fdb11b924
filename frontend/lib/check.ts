// The way from this browser to the server and back, one step after the other: one session sends a test tone and a test
// picture, another receives them.
import type { types } from 'mediasoup-client';
import { Session, type Joined, type Kind } from '@rotunda/client';

export const STEPS = ['websocket', 'udp', 'dtls', 'audioUp', 'videoUp', 'audioDown', 'videoDown'] as const;
export type Step = (typeof STEPS)[number];
export type StepState = 'waiting' | 'running' | 'ok' | 'failed' | 'skipped';
export type Report = Record<Step, { state: StepState; detail: string }>;

const STEP_DEADLINE_MS = 10_000;
const LOOK_EVERY_MS = 200;
const PACKETS_ENOUGH = 10;
const FRAMES_ENOUGH = 3;

export const emptyReport = (): Report =>
  Object.fromEntries(STEPS.map((step) => [step, { state: 'waiting', detail: '' }])) as Report;

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// The first truthy value of `probe`; an error that tells how long was waited otherwise.
async function until<Value>(probe: () => Promise<Value | null | false> | Value | null | false): Promise<Value> {
  const end = performance.now() + STEP_DEADLINE_MS;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() > end) throw new Error(`${STEP_DEADLINE_MS / 1000} s`);
    await delay(LOOK_EVERY_MS);
  }
}

interface TestMedia {
  tracks: Record<Kind, MediaStreamTrack>;
  close: () => void;
}

function makeTestMedia(context: AudioContext): TestMedia {
  const oscillator = context.createOscillator();
  oscillator.frequency.value = 440;
  const out = context.createMediaStreamDestination();
  oscillator.connect(out);
  oscillator.start();
  const canvas = document.createElement('canvas');
  canvas.width = 320;
  canvas.height = 180;
  const pen = canvas.getContext('2d')!;
  let frame = 0;
  const timer = setInterval(() => {
    pen.fillStyle = `hsl(${(frame * 6) % 360} 70% 50%)`;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = 'white';
    pen.fillRect((frame * 5) % canvas.width, 60, 40, 60);
    frame++;
  }, 66);
  return {
    tracks: { audio: out.stream.getAudioTracks()[0]!, video: canvas.captureStream(15).getVideoTracks()[0]! },
    close: () => {
      clearInterval(timer);
      oscillator.stop();
    },
  };
}

class Side {
  readonly session: Session;
  joined!: Joined;
  device!: types.Device;
  transport!: types.Transport;
  iceState = 'new';
  dtlsState = 'new';

  constructor(url: string, room: string, name: string) {
    this.session = new Session(url, room, name, { retryFirst: false });
    this.session.on('notification', ({ type, data }) => {
      if (type !== 'transport-state' || data.transportId !== this.transport?.id) return;
      this.iceState = data.iceState;
      this.dtlsState = data.dtlsState;
    });
  }

  async open(): Promise<void> {
    this.joined = await this.session.join();
  }

  async makeTransport(direction: 'send' | 'recv'): Promise<void> {
    const { Device } = await import('mediasoup-client');
    this.device = await Device.factory();
    await this.device.load({ routerRtpCapabilities: this.joined.routerRtpCapabilities! });
    const options = await this.session.request('create-transport', { direction });
    this.transport =
      direction === 'send' ? this.device.createSendTransport(options) : this.device.createRecvTransport(options);
    const { transport } = this;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.session.request('connect-transport', { transportId: transport.id, dtlsParameters }).then(done, failed);
    });
    transport.on('produce', ({ kind, rtpParameters }, done, failed) => {
      this.session.request('produce', { transportId: transport.id, kind, rtpParameters }).then(done, failed);
    });
  }

  async consume(producerId: string): Promise<types.Consumer> {
    const { id, kind, rtpParameters } = await this.session.request('consume', {
      producerId,
      transportId: this.transport.id,
      rtpCapabilities: this.device.recvRtpCapabilities,
      paused: true,
    });
    const consumer = await this.transport.consume({ id, producerId, kind, rtpParameters });
    await this.session.request('resume-consumer', { consumerId: id });
    return consumer;
  }

  close(): void {
    this.transport?.close();
    this.session.leave();
  }
}

// Tells of each change; resolves with the step that failed, or null.
export async function runCheck(url: string, tell: (report: Report) => void): Promise<Step | null> {
  const report = emptyReport();
  const room = `check-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
  const sender = new Side(url, room, 'sender');
  const receiver = new Side(url, room, 'receiver');
  const context = new AudioContext();
  const media = makeTestMedia(context);
  const players: HTMLMediaElement[] = [];
  const producers = {} as Record<Kind, types.Producer>;
  const making: Promise<unknown>[] = [];

  const packetsAtServer = async (kind: Kind) => {
    const { stats } = await sender.session.request('get-stats', { producerId: producers[kind].id });
    const packets = stats.reduce((sum, stat) => sum + (Number(stat.packetCount) || 0), 0);
    return packets >= PACKETS_ENOUGH && `${packets} packets`;
  };
  // UDP, or TCP where the network lets nothing else through.
  const packetsGoBy = async () => {
    const { stats } = await sender.session.request('get-stats', { transportId: sender.transport.id });
    const tuple = stats.find((stat) => stat.iceSelectedTuple)?.iceSelectedTuple as { protocol?: string } | undefined;
    return tuple?.protocol?.toUpperCase() ?? '';
  };
  const comesBack = async (kind: Kind) => {
    const consumer = await receiver.consume(producers[kind].id);
    const player = document.createElement(kind);
    player.muted = true;
    player.srcObject = new MediaStream([consumer.track]);
    players.push(player);
    void player.play().catch(() => {});
    return until(async () => {
      for (const stat of (await consumer.getStats()).values()) {
        if (stat.type !== 'inbound-rtp') continue;
        if (kind === 'audio' && stat.packetsReceived >= PACKETS_ENOUGH) return `${stat.packetsReceived} packets`;
        if (kind === 'video' && stat.framesDecoded >= FRAMES_ENOUGH)
          return `${stat.frameWidth}×${stat.frameHeight}, ${stat.framesDecoded} frames`;
      }
      return null;
    });
  };
  const steps: Record<Step, () => Promise<string>> = {
    websocket: async () => {
      await sender.open();
      const start = performance.now();
      await sender.session.request('ping', {});
      return `${Math.round(performance.now() - start)} ms`;
    },
    udp: async () => {
      await sender.makeTransport('send');
      for (const kind of ['audio', 'video'] as const)
        making.push(
          sender.transport
            .produce({ track: media.tracks[kind], stopTracks: false })
            .then((one) => (producers[kind] = one)),
        );
      for (const one of making) one.catch(() => {}); // told by the step that needs it
      await until(() => sender.iceState === 'connected');
      return packetsGoBy();
    },
    dtls: async () => {
      await until(() => sender.dtlsState === 'connected' && sender.transport.connectionState === 'connected');
      await Promise.all(making);
      return '';
    },
    audioUp: () => until(() => packetsAtServer('audio')),
    videoUp: () => until(() => packetsAtServer('video')),
    audioDown: async () => {
      await receiver.open();
      await receiver.makeTransport('recv');
      return comesBack('audio');
    },
    videoDown: () => comesBack('video'),
  };

  let failed: Step | null = null;
  try {
    void context.resume(); // may wait for a sound card that is not there
    for (const step of STEPS) {
      if (failed) {
        report[step] = { state: 'skipped', detail: '' };
        continue;
      }
      report[step] = { state: 'running', detail: '' };
      tell({ ...report });
      try {
        report[step] = { state: 'ok', detail: await steps[step]() };
      } catch (error) {
        report[step] = { state: 'failed', detail: error instanceof Error ? error.message : String(error) };
        failed = step;
      }
    }
  } finally {
    sender.close();
    receiver.close();
    media.close();
    for (const player of players) player.srcObject = null;
    void context.close();
  }
  tell({ ...report });
  return failed;
}
